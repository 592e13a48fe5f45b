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

# What each layer costs, beside other runtimes; a few minutes: just bench [--quick] [--write]
bench *options:
    cargo run --release -p bench -- {{options}}
