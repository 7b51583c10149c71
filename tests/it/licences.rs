//! Every dependency may be used in a program that is given away under MIT or Apache-2.0.

use cargo_metadata::{CargoOpt, MetadataCommand};

/// Licences that ask for no more than naming the authors, or concern their own files alone (SPDX names).
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "PostgreSQL",
    "Unicode-3.0",
    "Unlicense",
    "WTFPL",
    "Zlib",
];

/// Whether an SPDX expression (spdx.dev, annex D; a slash is crates.io's old "or") can be met by allowed licences.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    any(&mut words) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words) -> bool {
    let mut allowed = all(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all(words);
    }
    allowed
}

fn all(words: &mut Words) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words) -> bool {
    let Some(name) = words.next() else { return false };
    if name == "(" {
        let inner = any(words);
        return words.next() == Some(")") && inner;
    }
    match words.next_if_eq(&"WITH").and_then(|_| words.next()) {
        Some(exception) => ALLOWED.contains(&format!("{name} WITH {exception}").as_str()),
        None => ALLOWED.contains(&name),
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for good in
        ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR MIT", "(MIT OR GPL-3.0-only) AND Unicode-3.0", "MIT OR (A AND B)"]
    {
        assert!(is_allowed(good), "{good}");
    }
    for bad in
        ["", "GPL-3.0-only", "MIT AND GPL-2.0-only", "AGPL-3.0", "MIT WITH x", "(MIT", "MIT)", "GPL-2.0 OR (MIT AND X)"]
    {
        assert!(!is_allowed(bad), "{bad}");
    }
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let mut command = MetadataCommand::new();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).features(CargoOpt::AllFeatures);
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let metadata = command.other_options(["--locked".to_owned(), "--filter-platform".to_owned(), host]).exec();
    let metadata = metadata.expect("cargo knows the packages");
    let refused: Vec<_> = metadata
        .packages
        .iter()
        .filter(|package| !package.license.as_deref().is_some_and(is_allowed))
        .map(|package| {
            format!("{} {}: {}", package.name, package.version, package.license.as_deref().unwrap_or("none"))
        })
        .collect();
    assert!(metadata.packages.len() > 100, "the list is too short to be true");
    assert!(refused.is_empty(), "licences that are not allowed:\n{}", refused.join("\n"));
}
