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

# What you have changed: just lab-diff 01
lab-diff number:
    cargo x lab diff {{number}}

# Begin anew; what was there is kept beside it: just lab-reset 01
lab-reset number:
    cargo x lab reset {{number}}

# The book's solution of a task: just lab-solution 1.2 [--give-up]
lab-solution task *options:
    cargo x lab solution {{task}} {{options}}

# A repository for students, without the solutions: just lab-export 01 --out DIR [--hidden-tests]
lab-export number *options:
    cargo x lab export {{number}} {{options}}

# Grade each folder in one: just lab-grade-all DIR [--csv FILE]
lab-grade-all folder *options:
    cargo x lab grade-all {{folder}} {{options}}

# The proofs that the graders are right: just lab-check [01]
lab-check *number:
    cargo x lab check {{number}}

# Write what the graders say of wrong submissions; read the difference before you commit it
new-lab-snapshots:
    INSTA_UPDATE=always INSTA_OUTPUT=none cargo x lab check

# What each layer costs, beside other runtimes; a few minutes: just bench [--quick] [--write]
bench *options:
    cargo run --release -p bench -- {{options}}
