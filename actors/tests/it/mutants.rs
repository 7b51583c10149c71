//! The patches of `tests/mutants`: each breaks another rule and still applies, so that `run` there can try them all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A place in a file: what stands there, and what is to stand there.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    file: String,
    before: Vec<String>,
    after: Vec<String>,
}

struct Patch {
    name: String,
    /// Its first line: the rule, and how it is broken.
    rule: String,
    changes: Vec<Change>,
}

/// Reads a unified diff. Line numbers are ignored: a change is found by its lines.
fn read(name: &str, text: &str) -> Patch {
    let (mut file, mut changes) = (String::new(), Vec::new());
    let rule = text.lines().next().unwrap_or_default().to_owned();
    for line in text.lines().skip(1) {
        if let Some(path) = line.strip_prefix("+++ b/") {
            path.clone_into(&mut file);
        } else if line.starts_with("@@ ") {
            changes.push(Change { file: file.clone(), before: Vec::new(), after: Vec::new() });
        } else if let Some(change) = changes.last_mut().filter(|_| !line.starts_with("--- ")) {
            let (kind, line) = line.split_at(line.len().min(1));
            if kind != "+" {
                change.before.push(line.to_owned());
            }
            if kind != "-" {
                change.after.push(line.to_owned());
            }
        }
    }
    Patch { name: name.to_owned(), rule, changes }
}

/// The root of the repository: patches name files from there.
fn root() -> &'static Path {
    crate_root().parent().expect("the crate lies in the repository")
}

fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn patches() -> Vec<Patch> {
    let mut patches = Vec::new();
    for entry in fs::read_dir(crate_root().join("tests/mutants")).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
            patches.push(read(&name, &fs::read_to_string(&path).expect("it is text")));
        }
    }
    patches
}

/// How often the lines stand in the file one after the other.
fn places_of(change: &Change) -> usize {
    let text = fs::read_to_string(root().join(&change.file)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.windows(change.before.len().max(1)).filter(|window| *window == change.before).count()
}

#[test]
fn every_patch_applies() {
    let patches = patches();
    let of_the_checks = patches.iter().filter(|patch| patch.name.starts_with("check-")).count();
    assert!(patches.len() - of_the_checks >= 25 && of_the_checks >= 3, "patches are missing");
    for Patch { name, rule, changes } in patches {
        assert!(!rule.is_empty() && !rule.starts_with("---"), "{name} says in its first line which rule it breaks");
        assert!(!changes.is_empty(), "{name} changes nothing");
        for change in changes {
            assert_ne!(change.before, change.after, "{name} changes nothing");
            assert_eq!(places_of(&change), 1, "{name} does not apply to {}: write it anew", change.file);
        }
    }
}

#[test]
fn every_patch_is_another() {
    let mut known = BTreeMap::new();
    for Patch { name, changes, .. } in patches() {
        // The lines around a change make no difference.
        let essence: Vec<_> = changes
            .into_iter()
            .map(|Change { file, before, after }| {
                let gone: Vec<String> = before.iter().filter(|line| !after.contains(line)).cloned().collect();
                let new: Vec<String> = after.into_iter().filter(|line| !before.contains(line)).collect();
                (file, gone, new)
            })
            .collect();
        if let Some(other) = known.insert(essence, name.clone()) {
            panic!("{name} and {other} are the same change");
        }
    }
}

#[test]
fn every_patch_is_listed() {
    let page = fs::read_to_string(crate_root().join("RULES.md")).expect("the rules are there");
    for Patch { name, .. } in patches() {
        assert_eq!(page.matches(&format!("| `{name}` |")).count(), 1, "{name} stands once in RULES.md");
    }
}
