//! The rules of the house: sizes, who may use whom, the map in the README, words that must not be there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// No file of ours is longer, in lines.
const MOST_LINES: usize = 500;
/// A README is at most one page: its lines, its words, and the characters of each line.
const PAGE_LINES: usize = 70;
const PAGE_WORDS: usize = 700;
const PAGE_COLUMNS: usize = 200;
/// Not ours, or not written by hand.
const SKIPPED: &[&str] = &[".git", "target", "Cargo.lock", "node_modules"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A text file of ours: its path from the root with slashes, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    fn has_extension(&self, wanted: &[&str]) -> bool {
        let extension = Path::new(&self.path).extension().unwrap_or_default().to_string_lossy();
        wanted.contains(&extension.as_ref())
    }

    fn is_rust_of(&self, folder: &str) -> bool {
        self.path.starts_with(folder) && self.has_extension(&["rs"])
    }
}

fn files() -> Vec<File> {
    let ours = |entry: &walkdir::DirEntry| !SKIPPED.contains(&entry.file_name().to_string_lossy().as_ref());
    let all = walkdir::WalkDir::new(root()).sort_by_file_name().into_iter().filter_entry(ours);
    let files: Vec<_> = all
        .map(|entry| entry.expect("the tree can be read"))
        .filter(|entry| entry.file_type().is_file())
        .filter_map(|entry| {
            let path = entry.path().strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            fs::read_to_string(entry.path()).ok().map(|text| File { path, text })
        })
        .collect();
    assert!(files.len() > 50, "the tree was not found");
    files
}

#[track_caller]
fn assert_none(rule: &str, broken: impl IntoIterator<Item = String>) {
    let broken: Vec<_> = broken.into_iter().collect();
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

/// `path:line` of each line of the file that holds the word.
fn lines_with<'a>(file: &'a File, word: &'a str) -> impl Iterator<Item = String> + 'a {
    let numbered = file.text.lines().zip(1..).filter(move |(line, _)| line.contains(word));
    numbered.map(move |(_, number)| format!("{}:{number} holds {word}", file.path))
}

#[test]
fn no_file_is_too_long() {
    // What is written by hand; data is not. Scripts may have no extension.
    let written = files()
        .into_iter()
        .filter(|file| file.has_extension(&["", "rs", "md", "sh", "py", "sql", "html", "css", "js"]));
    let limit = |path: &str| if path.ends_with("README.md") { PAGE_LINES } else { MOST_LINES };
    let long = written.map(|file| (file.text.lines().count(), file.path)).filter(|(lines, path)| *lines > limit(path));
    assert_none("a file is at most 500 lines, a README 70", long.map(|(lines, path)| format!("{path}: {lines}")));
}

#[test]
fn a_readme_is_one_page() {
    let mut pages = files();
    pages.retain(|file| file.path.ends_with("README.md"));
    // Signs alone, such as the bars of tables, are no words.
    let words = |file: &File| file.text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
    let long = pages.iter().map(|page| (words(page), page)).filter(|(words, _)| *words > PAGE_WORDS);
    assert_none("a README has at most 700 words", long.map(|(words, page)| format!("{}: {words}", page.path)));
    let wide = pages.iter().flat_map(|page| {
        let numbered = page.text.lines().map(|line| line.chars().count()).zip(1..);
        let wide = numbered.filter(|(columns, _)| *columns > PAGE_COLUMNS);
        wide.map(|(columns, number)| format!("{}:{number} has {columns}", page.path))
    });
    assert_none("a line of a README has at most 200 characters", wide);
}

#[test]
fn some_words_are_nowhere() {
    // Put together here, so that this file does not hold them.
    let words =
        [["TO", "DO"], ["FIX", "ME"], ["#[ign", "ore"], ["/wo", "rk/"], ["/ro", "ot/"]].map(|parts| parts.concat());
    let files = files();
    let found = files.iter().flat_map(|file| words.iter().flat_map(|word| lines_with(file, word)));
    assert_none("unfinished work, skipped tests and paths of one machine", found);
}

/// Words that were given up for a standard term (the glossary in actors/README.md), in parts, and the only paths that may
/// hold them.
const OLD_WORDS: &[(&[&str], &[&str])] = &[
    (&["wi", "sh"], &[]),
    (&["wi", "shes"], &[]),
    (&["wi", "shed"], &[]),
    (&["err", "and"], &[]),
    (&["err", "ands"], &[]),
    (&["new", "comer"], &[]),
    (&["new", "comers"], &[]),
    (&["bu", "ry"], &[]),
    (&["bu", "ried"], &[]),
    (&["les", "son"], &[]),
    (&["les", "sons"], &[]),
    (&["cre", "dits"], &[]),
    (&["in ha", "nd"], &[]),
    (&["the mea", "sure"], &[]),
    // A device that is called so.
    (&["de", "sk"], &["tests/", "actors/tests/", "src/device/README.md"]),
    // Of music.
    (&["be", "at"], &["demo/", "src/catalog/tags/genres.rs"]),
    (&["be", "ats"], &["demo/"]),
];

/// Names in SQL and in stored JSON, in parts, which stay.
const STORED_NAMES: &[&[&str]] = &[&["be", "at_us"], &["rename = \"err", "and\""]];

/// The words of a line in lower case, with a blank before and after each; a change of case begins a word, too.
fn words(line: &str) -> String {
    let mut words = " ".to_owned();
    let mut after_lower = false;
    for c in line.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && after_lower) {
            words.push_str(if words.ends_with(' ') { "" } else { " " });
        }
        if c.is_alphabetic() {
            words.extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    words + " "
}

#[test]
fn old_words_do_not_come_back() {
    let mut files = files();
    files.retain(|file| {
        file.has_extension(&["", "rs", "md", "sh", "py", "sql", "html", "css", "js", "ts", "toml", "patch"])
    });
    let stored: Vec<String> = STORED_NAMES.iter().map(|parts| parts.concat()).collect();
    let old: Vec<(String, &[&str])> = OLD_WORDS.iter().map(|(parts, may)| (parts.concat(), *may)).collect();
    let found = files.iter().flat_map(|file| {
        let forbidden: Vec<&str> = old
            .iter()
            .filter(|(_, may)| !may.iter().any(|path| file.path.starts_with(path)))
            .map(|(word, _)| word.as_str())
            .collect();
        let stored = &stored;
        file.text.lines().zip(1..).flat_map(move |(line, number)| {
            let line = stored.iter().fold(line.to_owned(), |line, name| line.replace(name, ""));
            let words = words(&line);
            let found = forbidden.iter().filter(|word| words.contains(&format!(" {word} ")));
            found.map(|word| format!("{}:{number} holds {word}", file.path)).collect::<Vec<_>>()
        })
    });
    assert_none("an idea has one word, that of the glossary", found);
}

/// Names of types that were given up, in parts. In small letters they are words like others.
const OLD_TYPES: &[&[&str]] = &[&["Sa", "id"], &["He", "ard"], &["Wi", "sh"], &["Err", "and"], &["St", "ay"]];

#[test]
fn old_types_do_not_come_back() {
    let mut files = files();
    files.retain(|file| file.has_extension(&["rs", "js", "mjs", "ts", "patch"]));
    let old: Vec<String> = OLD_TYPES.iter().map(|parts| parts.concat()).collect();
    let found = files.iter().flat_map(|file| {
        let code = file.text.lines().zip(1..).filter(|(line, _)| {
            let line = line.trim_start_matches(['+', '-', ' ']);
            !line.starts_with("//") && !line.starts_with('*') && !line.starts_with("/*")
        });
        let old = &old;
        code.flat_map(move |(line, number)| {
            let names = line.split(|char: char| !char.is_alphanumeric() && char != '_');
            let found = names.filter(|name| old.iter().any(|old| old == name));
            found.map(|name| format!("{}:{number} holds {name}", file.path)).collect::<Vec<_>>()
        })
    });
    assert_none("a device event, an inbound action, a command, a pending action, a listen", found);
}

/// The name of the type that a line declares, if it declares one.
fn declared(line: &str) -> Option<&str> {
    let item = line.trim_start();
    let item = item.strip_prefix("pub").map_or(item, |rest| match rest.strip_prefix('(') {
        Some(within) => within.split_once(')').map_or("", |(_, rest)| rest),
        None => rest,
    });
    let (keyword, rest) = item.trim_start().split_once(' ')?;
    let name = rest.split(|char: char| !char.is_alphanumeric() && char != '_').next()?;
    (["struct", "enum", "union", "trait", "type"].contains(&keyword) && !name.is_empty()).then_some(name)
}

/// The types that a file declares outside of its tests, each with the number of its line. The types of a trait's
/// implementation have the names that the trait gives them, so they are left out.
fn types(file: &File) -> Vec<(&str, usize)> {
    let code = file.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_of_a_trait = |number: usize| {
        let line = lines[number];
        let around = lines[..number].iter().rev().find(|above| !above.is_empty() && indent(above) < indent(line));
        let is_in_function = |around: &&str| around.contains("fn ") || around.trim_start().starts_with(')');
        line.trim_start().starts_with("type ") && !around.is_none_or(is_in_function)
    };
    let found = lines.iter().enumerate().filter_map(|(number, line)| Some((declared(line)?, number)));
    found.filter(|(_, number)| !is_of_a_trait(*number)).map(|(name, number)| (name, number + 1)).collect()
}

#[test]
fn no_two_types_have_one_name() {
    let mut files = files();
    let product = ["actors/src/", "client/src/", "demo/src/", "src/"];
    files.retain(|file| product.iter().any(|folder| file.is_rust_of(folder)));
    files.retain(|file| !file.path.contains("/tests/") && !file.path.ends_with("/tests.rs"));
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in &files {
        for (name, line) in types(file) {
            places.entry(name).or_default().push(format!("{}:{line}", file.path));
        }
    }
    assert!(places.len() > 500, "only {} types were found", places.len());
    let shared = places.into_iter().filter(|(_, places)| places.len() > 1);
    assert_none("two things never share a name", shared.map(|(name, places)| format!("{name}: {}", places.join(", "))));
}

#[test]
fn tests_wait_for_conditions() {
    let files = files();
    let tests = files.iter().filter(|file| file.is_rust_of("tests/"));
    let word = ["slee", "p("].concat();
    assert_none("a test that waits for a time is slow or wrong", tests.flat_map(|file| lines_with(file, &word)));
}

/// Who alone may name what: a word in code, and the paths that may hold it.
const OWNERS: &[(&str, &[&str])] = &[
    ("diesel", &["src/db/"]),
    ("actix_web", &["src/http/"]),
    ("actix_http", &["src/http/"]),
    ("actix_service", &["src/http/"]),
    ("actix_tls", &["src/http/"]),
    ("actix_codec", &["src/http/"]),
    ("crate::http", &["src/http/", "src/cli/"]),
    ("crate::cli", &["src/cli/", "src/main.rs"]),
];

#[test]
fn only_the_owner_of_a_thing_names_it() {
    let files = files();
    let code = files.iter().filter(|file| file.is_rust_of("src/"));
    let found = code.flat_map(|file| {
        let foreign = OWNERS.iter().filter(|(_, owners)| !owners.iter().any(|owner| file.path.starts_with(owner)));
        foreign.flat_map(|(word, _)| lines_with(file, word).filter(|line| !is_comment(file, line)))
    });
    assert_none("only the owner of a thing names it", found);
}

/// Whether the line found is documentation.
fn is_comment(file: &File, found: &str) -> bool {
    let number = found.split_once(' ').and_then(|(place, _)| place.rsplit_once(':')).map(|(_, number)| number);
    let number: usize = number.and_then(|number| number.parse().ok()).expect("path:line");
    file.text.lines().nth(number - 1).is_some_and(|line| line.trim_start().starts_with("//"))
}

/// The code of the core and of clients without its tests: what comes before `#[cfg(test)]`, and nothing of files that
/// are tests.
fn core() -> Vec<File> {
    let mut files = files();
    files.retain(|file| file.is_rust_of("actors/src/") || file.is_rust_of("client/src/"));
    files.retain(|file| !file.path.contains("test"));
    for file in &mut files {
        let end = file.text.find("#[cfg(test)]").unwrap_or(file.text.len());
        file.text.truncate(end);
    }
    files
}

#[test]
fn the_core_knows_nothing_of_the_world() {
    let world = ["actix_web", "actix_http", "diesel", "std::fs", "std::env", "std::net", "std::process", "SystemTime"];
    let core = core();
    let found = core.iter().flat_map(|file| world.iter().flat_map(|word| lines_with(file, word)));
    assert_none("the core has no HTTP, SQL, files, environment or clock", found);
    let actors = ["actors/src/node/", "actors/src/session/", "actors/src/socket/actor", "actors/src/directory.rs"];
    let actor = |path: &str| actors.iter().any(|actor| path.starts_with(actor));
    let found = core.iter().filter(|file| !actor(&file.path)).flat_map(|file| lines_with(file, "use actix"));
    assert_none("only the actors and their messages name actix", found);
}

#[test]
fn the_state_uses_plain_values_alone() {
    let core = core();
    let state = core.iter().filter(|file| file.path.starts_with("actors/src/state"));
    // What server and clients share is values without behaviour.
    let allowed = ["crate::protocol", "crate::state", "super::", "self::", "std::", "serde::"];
    let found = state.flat_map(|file| {
        let used =
            file.text.lines().filter_map(|line| line.trim_start().trim_start_matches("pub ").strip_prefix("use "));
        let foreign = used.filter(|used| !used.starts_with(|first: char| first.is_uppercase()));
        let foreign =
            foreign.filter(|used| !allowed.iter().any(|allowed| used.starts_with(allowed)) && used.contains("::"));
        let own: BTreeSet<_> = modules(&file.text);
        foreign
            .filter(move |used| !own.contains(used.split("::").next().unwrap_or_default()))
            .map(|used| format!("{}: {used}", file.path))
            .collect::<Vec<_>>()
    });
    assert_none("state uses the protocol and the standard collections only", found);
}

/// The folders of `client/src` and `actors/src`, and which others each may use: only those above it in this list, so that
/// there is no circle.
const CORE: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("rules", &["protocol"]),
    ("driver", &["protocol", "rules"]),
    ("count", &[]),
    ("state", &["protocol"]),
    ("node", &["protocol", "state"]),
    ("socket", &["count", "node", "protocol", "state"]),
    ("session", &["count", "node", "protocol", "socket", "state"]),
    ("testing", &["node", "protocol", "state"]),
    ("directory", &["node", "protocol", "session"]),
];

/// What the crate for clients may build upon, its dependencies' own included.
#[test]
fn the_client_needs_nothing_of_a_server() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--package", "segue-client", "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("names are text");
    let needed: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(needed.contains("serde_json"), "its dependencies were not found: {tree}");
    let allowed = ["segue-client", "serde", "serde_core", "serde_json", "itoa", "memchr", "ryu", "zmij"];
    let foreign = needed.into_iter().filter(|name| !allowed.contains(name)).map(ToOwned::to_owned);
    assert_none("the client needs serde and what serde needs, no actor, database or HTTP", foreign);
}

/// The names that follow `crate::` in code.
fn used_of_the_crate(code: &str) -> BTreeSet<String> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let after = lines.flat_map(|line| line.split("crate::").skip(1));
    let names = after.map(|rest| rest.split(|char: char| !char.is_alphanumeric() && char != '_').next());
    names.flatten().map(ToOwned::to_owned).collect()
}

#[test]
fn the_folders_of_the_core_make_no_circle() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &files() {
        let path = ["client/src/", "actors/src/"].iter().find_map(|crate_| file.path.strip_prefix(crate_));
        let Some(path) = path.filter(|_| file.has_extension(&["rs"])) else { continue };
        let folder = path.split(['/', '.']).next().unwrap_or_default();
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        if folder != "lib" {
            used.entry(folder.to_owned()).or_default().extend(used_of_the_crate(code));
        }
    }
    for (folder, others) in &mut used {
        others.remove(folder);
    }
    for (place, (folder, allowed)) in CORE.iter().enumerate() {
        let below = CORE.iter().take(place).map(|(name, _)| *name).collect::<BTreeSet<_>>();
        assert!(allowed.iter().all(|name| below.contains(name)), "{folder} may use only what is above it in the list");
    }
    let listed =
        CORE.iter().map(|(folder, allowed)| ((*folder).to_owned(), allowed.iter().copied().map(str::to_owned)));
    let listed: BTreeMap<String, BTreeSet<String>> =
        listed.map(|(folder, allowed)| (folder, allowed.collect())).collect();
    assert_eq!(used, listed, "the folders of both crates use each other as the list says");
}

/// The modules a file declares.
fn modules(text: &str) -> BTreeSet<&str> {
    let declared = text.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    declared.filter_map(|rest| rest.strip_suffix(';')).collect()
}

/// The folders that must explain themselves: those at the top and those of `src`.
fn folders() -> BTreeSet<String> {
    let below = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
        let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
        let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let folders = paths.into_iter().filter(|path| path.is_dir() && !hidden(path));
        folders.map(|path| path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned()).collect()
    };
    let top: BTreeSet<String> = below("");
    let mut all: BTreeSet<_> = top.into_iter().filter(|name| !SKIPPED.contains(&name.as_str())).collect();
    all.extend::<BTreeSet<String>>(below("src"));
    all
}

#[test]
fn every_folder_has_a_readme() {
    let missing = folders().into_iter().filter(|folder| !root().join(folder).join("README.md").is_file());
    assert_none("a folder says in its README what is in it", missing);
}

#[test]
fn the_map_in_the_readme_is_the_tree() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let map = readme.split("## The map").nth(1).expect("the README has a map");
    let map = map.split("\n## ").next().expect("text has a first part");
    let named: BTreeSet<String> = map
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|path| path.trim_end_matches('/').to_owned())
        .collect();
    let tree = folders();
    assert_none("a folder is missing in the map of README.md", tree.difference(&named).cloned());
    let gone = named.iter().filter(|path| !root().join(path).exists()).cloned();
    assert_none("the map of README.md names what is not there", gone);
}
