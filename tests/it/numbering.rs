//! Rules (R1), failure cases (T01), the guide's rules (G1), promises (P1) and invariants (I1) have one numbering: a
//! number that is used anywhere is defined in one place, and one that is defined is used elsewhere. The files, tests and
//! mutants that the pages of the rules and cases name exist.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Where the rules of the core are defined, by the headings `## R1 …`.
const RULES: &str = "actors/RULES.md";
/// The failure cases, by the rows `| T01 | …`, of which the last cell names the tests.
const CASES: &str = "actors/tests/CASES.md";
/// The guide's rules and the promises, by the list items `- **G1 …`.
const PROTOCOL: &str = "actors/PROTOCOL.md";
/// The invariants, by `("I1", …`.
const INVARIANTS: &str = "actors/src/state/invariants.rs";
/// The patches, each in a row of its own under the rule that it breaks.
const MUTANTS: &str = "actors/tests/mutants";
/// Not ours, or not written by hand.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "corpora", "vectors", "corpus"];
/// Here words such as `G7` are chords.
const SCORES: &str = "/music/";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What follows the last dot of a name.
fn extension(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

/// The path from the root, with slashes, and the text of each file that may name a number.
fn files() -> Vec<(String, String)> {
    let ours = |entry: &walkdir::DirEntry| !SKIPPED.contains(&entry.file_name().to_string_lossy().as_ref());
    let entries = walkdir::WalkDir::new(root()).sort_by_file_name().into_iter().filter_entry(ours);
    let paths = entries.map(|entry| entry.expect("the tree can be read").into_path());
    let is_text = |path: &PathBuf| ["rs", "md", "js", "patch"].contains(&extension(&path.to_string_lossy()));
    let texts: Vec<_> = paths
        .filter(is_text)
        .map(|path| {
            let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("it is text"))
        })
        .collect();
    assert!(texts.len() > 50, "the tree was not found");
    texts
}

/// The number that a word is: `R1`, `G12`, `P2`, `I15`, `T01`, or `t01` in the name of a test, which is `T01`.
fn number(word: &str, path: &str) -> Option<String> {
    let (kind, digits) = word.split_at_checked(1)?;
    let is_case = kind == "T" || (kind == "t" && extension(path) == "rs");
    let lengths = if is_case { 2..=3 } else { 1..=2 };
    let is_number = lengths.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_kind = is_case || (["R", "G", "P", "I"].contains(&kind) && !path.contains(SCORES));
    (is_number && is_kind).then(|| word.to_uppercase())
}

/// The number that a line defines, if it does.
fn defined<'a>(path: &str, line: &'a str) -> Option<&'a str> {
    let rest = match path {
        RULES => line.strip_prefix("## "),
        CASES => line.strip_prefix("| "),
        PROTOCOL => line.strip_prefix("- **"),
        INVARIANTS => line.trim_start().strip_prefix("(\""),
        _ => None,
    }?;
    let word = rest.split(|next: char| !next.is_ascii_alphanumeric()).next()?;
    number(word, path).is_some().then_some(word)
}

#[test]
fn each_number_that_is_used_is_defined_and_each_that_is_defined_is_used() {
    let (mut known, mut used) = (BTreeMap::<String, String>::new(), BTreeMap::<String, String>::new());
    for (path, text) in files() {
        for (line, at) in text.lines().zip(1..) {
            let definition = defined(&path, line).map(str::to_owned);
            let words = line.split(|next: char| !next.is_ascii_alphanumeric());
            for word in words.filter_map(|word| number(word, &path)).filter(|word| Some(word) != definition.as_ref()) {
                used.entry(word).or_insert_with(|| format!("{path}:{at}"));
            }
            if let Some(word) = definition {
                let earlier = known.insert(word.clone(), format!("{path}:{at}"));
                assert_eq!(earlier, None, "{word} is defined twice, the second time in {path}:{at}");
            }
        }
    }
    for kind in ["R", "T", "G", "P", "I"] {
        assert!(known.keys().filter(|word| word.starts_with(kind)).count() > 3, "no definitions of {kind}… are found");
    }
    let unknown: Vec<_> = used.iter().filter(|(word, _)| !known.contains_key(*word)).collect();
    assert!(unknown.is_empty(), "numbers that nothing defines: {unknown:#?}");
    let idle: Vec<_> = known.iter().filter(|(word, _)| !used.contains_key(*word)).collect();
    assert!(idle.is_empty(), "numbers that nothing but their definition names: {idle:#?}");
}

/// Before a number these mean one that has a prefix.
const KINDS: &[&str] = &["rule", "rules", "promise", "promises", "invariant", "invariants"];

#[test]
fn no_number_stands_without_its_prefix() {
    let mut bare = Vec::new();
    for (path, text) in files() {
        for (line, at) in text.lines().zip(1..) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_bare = |pair: &[&str]| {
                let word = pair[0].trim_start_matches(|first: char| !first.is_alphanumeric()).to_lowercase();
                let digits = pair[1].trim_end_matches(|last: char| !last.is_alphanumeric());
                KINDS.contains(&word.as_str()) && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
            };
            if words.windows(2).any(is_bare) {
                bare.push(format!("{path}:{at}: {line}"));
            }
        }
    }
    assert!(bare.is_empty(), "a rule, promise or invariant has a prefix (R, G, P, I):\n{}", bare.join("\n"));
}

/// The words of a line that stand in back quotes.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// What comes before the names of the tests of a folder.
const FOLDERS: &[(&str, &str)] = &[
    ("actors/tests/it/", ""),
    ("actors/tests/sim/", "sim::"),
    ("actors/tests/model/", "model::"),
    ("actors/src/", ""),
    ("client/src/", ""),
    ("tests/it/", "server::"),
];

/// The names of all tests with their modules, and the prefix of their folder.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (path, text) in files() {
        let Some((folder, prefix)) = FOLDERS.iter().find(|(folder, _)| path.starts_with(folder)) else { continue };
        let Some(module) = path[folder.len()..].strip_suffix(".rs") else { continue };
        let parts = module.split('/').filter(|part| !["main", "mod", "lib"].contains(part));
        let module: String = parts.flat_map(|part| [part, "::"]).collect();
        // A module within the file, to which what is indented belongs, or a list of names for which a macro makes tests.
        let (mut inner, mut is_list, mut is_test) = (String::new(), false, false);
        for line in text.lines() {
            let (code, is_indented) = (line.trim(), line.starts_with(' '));
            if !is_indented && !code.is_empty() {
                let declared = code.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {"));
                is_list = code == "golden! {";
                inner = declared.or(is_list.then_some("golden")).map(|name| format!("{name}::")).unwrap_or_default();
            }
            let function = code.strip_prefix("async ").unwrap_or(code).strip_prefix("fn ");
            let function = function.and_then(|rest| rest.split_once('('));
            let of_a_macro = |rest: &str| rest.starts_with("database)");
            let listed = (is_list && is_indented).then_some(code);
            if let Some(name) =
                function.filter(|(_, rest)| is_test || of_a_macro(rest)).map(|(name, _)| name).or(listed)
            {
                let inner =
                    if is_indented && !function.is_some_and(|(_, rest)| of_a_macro(rest)) { &inner } else { "" };
                names.insert(format!("{prefix}{module}{inner}{name}"));
            }
            // Other attributes may stand between.
            is_test = code.ends_with("test]") || (is_test && code.starts_with("#["));
        }
    }
    assert!(names.len() > 200, "the tests were not found");
    names
}

/// Whether a test, a module of tests, or for a name that ends in `…` one that begins so, is there.
fn is_there(tests: &BTreeSet<String>, name: &str) -> bool {
    let begins_with = |start: &str| tests.iter().any(|test| test.starts_with(start));
    match name.strip_suffix('…') {
        Some(start) => begins_with(start),
        None => tests.contains(name) || begins_with(&format!("{name}::")),
    }
}

#[test]
fn what_the_rules_name_is_there() {
    let (tests, page) = (tests(), read(RULES));
    let mut rule = "";
    let mut is_tests = false;
    let mut broken = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            rule = heading.split(' ').next().unwrap_or_default();
        }
        is_tests = !line.is_empty() && !line.starts_with("- ") && (is_tests || line.contains("Tests: "));
        if let Some(row) = line.strip_prefix("| `") {
            let mut names = row.split('`');
            let (mutant, test) = (names.next().unwrap_or_default(), names.nth(1).unwrap_or_default());
            let patch = root().join(MUTANTS).join(mutant).with_extension("patch");
            let first = fs::read_to_string(&patch).unwrap_or_default();
            let breaks = first.lines().next().and_then(|line| line.split(':').next()).unwrap_or_default();
            let is_named =
                breaks.split([' ', ',']).any(|word| word == rule) || (rule == "The" && breaks == "The checks");
            if !is_named {
                broken.push(format!("{mutant} stands under {rule}, and its patch says that it breaks {breaks:?}"));
            }
            if !is_there(&tests, test) {
                broken.push(format!("{test}, which noticed {mutant}, is no test"));
            }
            continue;
        }
        for name in quoted(line) {
            let is_path = ["rs", "md"].contains(&extension(name));
            let is_elsewhere = !root().join("actors").join(name).exists() && !root().join(name).exists();
            if is_path && is_elsewhere {
                broken.push(format!("{name}, which {rule} names, is no file"));
            }
        }
        let tests_of_line = line.split_once("Tests: ").map(|(_, rest)| rest).or(is_tests.then_some(line));
        for name in tests_of_line.into_iter().flat_map(quoted).filter(|name| !is_there(&tests, name)) {
            broken.push(format!("{name}, which {rule} names, is no test"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn each_case_names_its_tests_and_all_of_them() {
    let (tests, page) = (tests(), read(CASES));
    let mut broken = Vec::new();
    let mut listed = Vec::new();
    for row in page.lines().filter(|line| line.starts_with("| T")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [case, _, _, names] = cells[..] else { panic!("a case has four cells: {row}") };
        for name in quoted(names) {
            let is_file = extension(name) == "js";
            let has_title = is_file && fs::read_to_string(root().join(name)).is_ok_and(|text| text.contains(case));
            if !has_title && (is_file || !is_there(&tests, name)) {
                broken.push(format!("{case} has no test {name}"));
            }
            listed.push((case.to_lowercase(), name));
        }
        if quoted(names).next().is_none() {
            broken.push(format!("{case} has no test"));
        }
    }
    for test in &tests {
        let (_, name) = test.rsplit_once("::").expect("a test is in a module");
        for case in name.split('_').filter(|word| number(word, ".rs").is_some()) {
            let is_named = listed.iter().any(|(of, start)| of == case && test.starts_with(start.trim_end_matches('…')));
            if !is_named {
                broken.push(format!("{test} is not named in the row of {}", case.to_uppercase()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
