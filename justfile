# Names of commands; what they do is written in Rust.

# A chapter's server: just run chapter-03
run chapter *options:
    cargo run -p {{chapter}} -- {{options}}

# Server and clients in one run: just demo chapter-03
demo chapter:
    cargo run -q -p conformance --bin demo -- {{chapter}}

# All tests
test:
    cargo test --workspace

# The book, at http://127.0.0.1:3000
book:
    cargo x book serve

# What is checked before a change lands
ci:
    bash .ci/run

# Write changed snapshots; read the difference before you commit it
new-snapshots:
    INSTA_UPDATE=always cargo test -p conformance

# Begin an assignment, in lab/: just lab-start 01
lab-start number *options:
    cargo x lab start {{number}} {{options}}

# Grade it: just lab-grade 01 [--task 1.2] [--watch]
lab-grade number *options:
    cargo x lab grade {{number}} {{options}}

# The next hint for a task: just lab-hint 1.2
lab-hint task:
    cargo x lab hint {{task}}

# All assignments, and how far you are
lab-status:
    cargo x lab status

# The proofs that the graders are right: just lab-check [01]
lab-check *number:
    cargo x lab check {{number}}

# Write what the graders say of wrong submissions; read the difference before you commit it
new-lab-snapshots:
    INSTA_UPDATE=always INSTA_OUTPUT=none cargo x lab check

# What each layer costs, beside other runtimes; a few minutes: just bench [--quick] [--write]
bench *options:
    cargo run --release -p bench -- {{options}}
