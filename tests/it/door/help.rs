//! `--help` shows kinds of values, defaults and variables, and only the settings that a command uses.

use super::{printed, segue};
use crate::harness::bare;
use segue::config::KEYS;

fn help(command: &[&str]) -> String {
    let output = segue(&[command, &["--help"]].concat());
    assert!(output.status.success(), "{output:?}");
    printed(&output)
}

#[test]
fn each_setting_has_a_kind_a_variable_and_a_default() {
    let text = help(&["serve"]);
    // Blanks and line breaks are normalised, because the help is wrapped.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for key in KEYS {
        let (flag, variable) = (key.name.replace('_', "-"), format!("[env: SEGUE_{}", key.name.to_uppercase()));
        let described = words.split(&format!("--{flag} ")).nth(1).or_else(|| words.split(&format!("--{flag}[")).nth(1));
        let described = described.unwrap_or_else(|| panic!("--{flag} is missing: {text}"));
        let described = described.split(" --").next().expect("text has a first part");
        assert!(described.contains(&variable), "{flag}: {described}");
        assert!(described.contains(&format!("<{}>", key.kind)), "{flag}: {described}");
    }
    for (flag, kind, default) in [
        ("--listen <ADDRESS>", "SEGUE_LISTEN", "[default: 127.0.0.1:4747]"),
        ("--data-dir <DIR>", "SEGUE_DATA_DIR", "[default: segue in $XDG_DATA_HOME or else in ~/.local/share]"),
        ("--database-url <URL>", "SEGUE_DATABASE_URL", "[default: sqlite:segue.db in the data folder]"),
        ("--tls-cert <FILE>", "SEGUE_TLS_CERT", ""),
        ("--heartbeat-ms <NUMBER>", "SEGUE_HEARTBEAT_MS", "[default: 2000]"),
        ("--config <FILE>", "SEGUE_CONFIG", "[default: segue.toml in the data folder, if it is there]"),
    ] {
        let described = words.split(flag).nth(1).unwrap_or_else(|| panic!("{flag}: {text}"));
        let described = described.split(" --").next().expect("text has a first part");
        assert!(described.contains(kind) && described.contains(default), "{flag}: {described}");
    }
}

#[test]
fn a_command_shows_the_settings_that_it_uses() {
    let database = ["--config", "--data-dir", "--database-url", "--log"];
    for command in [
        &["backup"][..],
        &["restore"],
        &["user", "add"],
        &["user", "passwd"],
        &["user", "remove"],
        &["user", "list"],
        &["user", "tokens"],
    ] {
        let text = help(command);
        assert!(database.iter().all(|flag| text.contains(flag)), "{command:?}: {text}");
        for key in KEYS.iter().filter(|key| !["data_dir", "database_url", "log"].contains(&key.name)) {
            let flag = format!("--{} ", key.name.replace('_', "-"));
            assert!(!text.contains(&flag), "{command:?} shows {flag}");
        }
    }
    let scan = help(&["scan"]);
    assert!(scan.contains("--music <DIR>") && !scan.contains("--listen"), "{scan}");
    assert!(help(&["demo"]).contains("--data-dir <DIR>"));
    let device = help(&["device"]);
    assert!(device.contains("makes no sound") && device.contains("--server <URL>"), "{device}");
}

#[test]
fn help_is_as_wide_as_the_terminal_or_80_characters_and_coloured_only_on_one() {
    let commands = [
        "",
        "demo",
        "serve",
        "scan",
        "config",
        "openapi",
        "device",
        "user",
        "user add",
        "user list",
        "user tokens",
        "user remove",
        "backup",
        "restore",
    ];
    // The words that cannot be parted are all shorter than the smallest width.
    for (columns, most) in [(None, 80), (Some("60"), 60), (Some("200"), 200)] {
        let mut widest = 0;
        for command in commands {
            let mut program = bare();
            program.args(command.split_whitespace()).arg("--help").env("CLICOLOR_FORCE", "1").env_remove("COLUMNS");
            if let Some(columns) = columns {
                program.env("COLUMNS", columns);
            }
            let text = printed(&program.output().expect("the program runs"));
            assert!(!text.contains('\u{1b}'), "{command}: {text:?}");
            let wide = text.lines().find(|line| line.chars().count() > most);
            assert_eq!(wide, None, "{command} with COLUMNS={columns:?}");
            widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0).max(widest);
        }
        // Lines are as long as they may be.
        assert!(widest > most - 10, "{widest} of {most}");
    }
}
