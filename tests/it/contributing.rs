//! What `CONTRIBUTING.md` and `SECURITY.md` name is there, and the first walk through the code is short.

use std::{collections::BTreeSet, fs, path::Path};

/// How often the folder may change on the way of a report to the other screens.
const MOST_CHANGES: usize = 10;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).expect("the page is there")
}

/// The paths in a text, in order: what stands between backticks, has a slash within and no space.
fn paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.contains('/') && !word.contains(char::is_whitespace) && !word.starts_with('/')).collect()
}

#[test]
fn the_files_that_are_named_are_there() {
    for name in ["CONTRIBUTING.md", "SECURITY.md"] {
        let text = page(name);
        let named: BTreeSet<&str> = paths(&text).into_iter().collect();
        assert!(named.len() > 3, "{name} names {named:?}");
        let gone: Vec<_> = named.into_iter().filter(|path| !root().join(path).exists()).collect();
        assert!(gone.is_empty(), "{name} names what is not there: {gone:?}");
    }
}

#[test]
fn the_walk_of_a_report_changes_the_folder_seldom() {
    let text = page("CONTRIBUTING.md");
    let walk = text.split("### A report reaches the other screens").nth(1).expect("the walk is there");
    let (walk, _) = walk.split_once("The folder changes").expect("the walk ends with its count");
    let folders: Vec<_> = paths(walk).into_iter().map(|path| Path::new(path).parent()).collect();
    assert!(folders.len() > 10, "the walk names {folders:?}");
    let changes = folders.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes <= MOST_CHANGES, "{changes} changes of folder: {folders:?}");
}
