//! The pages for users name only commands, flags, settings and files that exist.

use super::{printed, segue};
use std::{collections::BTreeSet, fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the page is there")
}

/// The flags that a text names, without their dashes.
fn flags(text: &str) -> BTreeSet<String> {
    let is_flag = |word: &&str| word.starts_with(|first: char| first.is_ascii_lowercase());
    let words = text.split(|c: char| c.is_whitespace() || "`'()[],;=".contains(c));
    let flags = words.filter_map(|word| word.strip_prefix("--")).filter(is_flag);
    flags.map(|flag| flag.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()).collect()
}

/// The code in a page: texts between single backquotes, and the lines of code blocks.
fn code(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, part) in page.split("```").enumerate() {
        if index % 2 == 1 {
            found.extend(part.lines().map(str::to_owned));
        } else {
            found.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

#[test]
fn each_command_and_flag_of_the_pages_exists() {
    let help = |command: &[&str]| {
        let output = segue(&[command, &["--help"]].concat());
        assert!(output.status.success(), "{command:?}: {output:?}");
        printed(&output)
    };
    let all: BTreeSet<String> = ["demo", "serve", "scan", "config", "device", "backup", "restore"]
        .iter()
        .flat_map(|name| flags(&help(&[name])))
        .collect();
    let mut commands = 0;
    for page in ["README.md", "config/README.md", "src/device/README.md"] {
        for code in code(&read(page)) {
            let words: Vec<_> = code.split_whitespace().collect();
            match words.as_slice() {
                ["segue", "user", command, ..] => drop(help(&["user", command])),
                ["segue", command, ..] if !command.starts_with('-') => {
                    let missing: Vec<_> = flags(&code).difference(&flags(&help(&[command]))).cloned().collect();
                    assert_eq!(missing, Vec::<String>::new(), "{page}: {code}");
                    commands += 1;
                }
                [first, ..] if first.starts_with("--") => {
                    let missing: Vec<_> = flags(&code).difference(&all).cloned().collect();
                    assert_eq!(missing, Vec::<String>::new(), "{page}: {code}");
                }
                _ => {}
            }
        }
    }
    assert!(commands >= 8, "only {commands} commands were found");
}

#[test]
fn settings_of_the_pages_can_be_read() {
    let page = read("config/README.md");
    let blocks: Vec<&str> = page
        .split("```")
        .skip(1)
        .step_by(2)
        .filter(|block| block.contains(" = "))
        .filter(|block| !block.trim_start().starts_with('['))
        .collect();
    assert_eq!(blocks.len(), 2, "{blocks:?}");
    let folder = tempfile::tempdir().expect("a folder");
    for block in blocks {
        let file = folder.path().join("segue.toml");
        fs::write(&file, block).expect("written");
        let output = segue(&["config", "--config", file.to_str().expect("text")]);
        assert!(output.status.success(), "{block}: {output:?}");
        let set = printed(&output).lines().filter(|line| line.contains("# file ")).count();
        assert_eq!(set, block.lines().filter(|line| line.contains(" = ")).count());
    }
}

#[test]
fn pages_lead_to_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (page, folder) in [("README.md", ""), ("config/README.md", "config")] {
        let text = read(page);
        let links: Vec<&str> = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
        for link in links.iter().filter(|link| !link.starts_with("https://")) {
            assert!(root.join(folder).join(link).exists(), "{page} leads to {link}");
        }
        assert!(links.len() >= 2, "{page}: {links:?}");
    }
    let picture = fs::read(root.join("config/player.webp")).expect("the picture of the player");
    assert!(picture.len() <= 150 << 10, "{} bytes", picture.len());
    let size = image::load_from_memory(&picture).map(|image| (image.width(), image.height())).expect("a picture");
    assert!(size.0 >= 800 && size.1 >= 500, "{size:?}");
}
