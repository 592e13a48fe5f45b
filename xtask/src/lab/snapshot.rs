//! Snapshots of what the grader says, in insta's files and by insta's rules: `INSTA_UPDATE=always` writes them.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;

/// Compares `text` with the snapshot `name` in `folder`, and says whether it is the same. Where it is not, insta has
/// printed the difference.
pub(crate) fn holds(folder: &Path, name: &str, text: &str) -> bool {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    // insta tells by a panic, as to a test, when it has printed the difference: nothing more is to be said.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let compared =
        settings.bind(|| catch_unwind(AssertUnwindSafe(|| insta::assert_snapshot!(name, text))));
    set_hook(hook);
    compared.is_ok()
}
