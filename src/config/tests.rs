use super::*;
use expect_test::{expect, expect_file};
use std::collections::BTreeMap;

fn sources(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &[&str])]) -> Sources {
    let text = |text: &&str| (*text).to_owned();
    Sources {
        file: (!file.is_empty()).then(|| ("segue.toml".into(), file.to_owned())),
        environment: environment.iter().map(|(name, value)| (text(name), text(value))).collect(),
        flags: flags.iter().map(|(name, values)| (*name, values.iter().map(text).collect())).collect(),
        defaults: &[],
    }
}

fn row(settings: &Settings, name: &str) -> String {
    let row = settings.rows().into_iter().find(|row| row.name == name).expect("a setting of this name");
    format!("{} ({})", row.value, row.origin)
}

#[test]
fn the_strongest_source_wins_and_is_remembered() {
    let file = "heartbeat_ms = 200\nlease_ms = 900\nmusic = [\"/a\"]\ngrace_ms = 1\nsign_up = true";
    let environment = [("SEGUE_LEASE_MS", "800"), ("SEGUE_MUSIC", "/b:/c"), ("SEGUE_GRACE_MS", "2")];
    let settings = Settings::merge(&sources(file, &environment, &[("grace_ms", &["3"])])).expect("all are good");
    assert_eq!((settings.heartbeat_ms, settings.lease_ms, settings.grace_ms), (200, 800, 3));
    assert!(settings.sign_up);
    assert_eq!(row(&settings, "heartbeat_ms"), "200 (file segue.toml)");
    assert_eq!(row(&settings, "music"), r#"["/b", "/c"] (environment SEGUE_MUSIC)"#);
    assert_eq!(row(&settings, "grace_ms"), "3 (flag --grace-ms)");
    assert_eq!(row(&settings, "jitter_ms"), "2000 (default)");
}

#[test]
fn all_problems_are_told_at_once() {
    let file =
        "heartbeat_ms = \"fast\"\nsign_up = 1\nsing_up = true\nlease_ms = 1\nlog = \"loud\"\nlog_format = \"xml\"";
    let environment = [("SEGUE_LISTEN", "nowhere"), ("SEGUE_HARTBEAT_MS", "3"), ("SEGUE_PASSWORD", "is no setting")];
    let flags: [(&str, &[&str]); 2] = [("database_url", &["mysql://x"]), ("public_url", &["ftp://x"])];
    let problems = Settings::merge(&sources(file, &environment, &flags)).expect_err("nearly all are bad");
    expect![[r#"
        the settings cannot be used:
          segue.toml: sing_up is not a setting; `segue serve --help` lists them
          environment: SEGUE_HARTBEAT_MS is not a setting; `segue serve --help` lists them
          listen is an address and a port such as 127.0.0.1:4747, [::]:4747 or localhost:4747, or unix:PATH, not "nowhere": no name but localhost is looked up (environment SEGUE_LISTEN)
          public_url is an address such as https://music.example.org, not "ftp://x" (flag --public-url)
          database_url is sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME (flag --database-url)
          heartbeat_ms is a whole number without quotes (file segue.toml)
          lease_ms is from 100 to 600000, not 1
          sign_up is true or false, without quotes (file segue.toml)
          log is a level (off, error, warn, info, debug, trace) or MODULE=LEVEL, with commas, not "loud" (file segue.toml)
          log_format is "text" or "json", not "xml" (file segue.toml)"#]]
    .assert_eq(&problems.to_string());
}

#[test]
fn a_file_that_is_no_toml_is_named_with_its_line() {
    let problems = Settings::merge(&sources("listen = ", &[], &[])).expect_err("half a line");
    assert!(problems.to_string().contains("segue.toml: TOML parse error at line 1"), "{problems}");
}

#[test]
fn the_database_lies_in_the_data_folder_unless_told() {
    let settings = Settings::merge(&sources("", &[("SEGUE_DATA_DIR", "/music box")], &[])).expect("a folder");
    assert_eq!(row(&settings, "database_url"), r#""sqlite:/music box/segue.db" (default)"#);
    let settings = Settings::merge(&sources("", &[("XDG_DATA_HOME", "/x"), ("HOME", "/h")], &[])).expect("defaults");
    assert_eq!(settings.data_dir, PathBuf::from("/x/segue"));
    let settings = Settings::merge(&sources("", &[("XDG_DATA_HOME", ""), ("HOME", "/h")], &[])).expect("defaults");
    assert_eq!(settings.data_dir, PathBuf::from("/h/.local/share/segue"));
}

#[test]
fn strict_mode_is_a_setting_and_no_relation_of_two_others() {
    let merged = |file: &str| Settings::merge(&sources(file, &[], &[]));
    let strict = merged("strict = true\nlease_ms = 3000").expect("strict mode");
    assert_eq!((strict.audio_ms, row(&strict, "strict")), (3000, "true (file segue.toml)".to_owned()));
    let lax = merged("lease_ms = 3000").expect("the default");
    assert_eq!((lax.strict, lax.audio_ms), (false, 600_000));
    for (file, problem) in [
        ("lease_ms = 3000\naudio_ms = 3000", "for strict mode remove it and set strict = true"),
        ("strict = true\naudio_ms = 60000", "audio_ms counts for nothing with strict"),
    ] {
        let problems = merged(file).expect_err("a contradiction").to_string();
        assert!(problems.contains(problem), "{file}: {problems}");
    }
}

#[test]
fn secrets_are_masked_and_what_is_shown_can_be_read_again() {
    let flags: [(&str, &[&str]); 2] =
        [("database_url", &["postgres://me:pa%40ss@db/segue"]), ("music", &["/a \"b\"\\c"])];
    let settings = Settings::merge(&sources("", &[], &flags)).expect("good values");
    assert_eq!(row(&settings, "database_url"), r#""postgres://me:***@db/segue" (flag --database-url)"#);
    let shown: Vec<_> = settings.rows().iter().map(|row| format!("{} = {}", row.name, row.value)).collect();
    let again = Settings::merge(&sources(&shown.join("\n"), &[], &[])).expect("it was shown as TOML");
    assert_eq!(again.music, settings.music);
}

#[test]
fn a_public_address_may_have_a_path() {
    let url = |text: &str| {
        let flags: [(&str, &[&str]); 1] = [("public_url", &[text])];
        Settings::merge(&sources("", &[], &flags)).map(|settings| settings.public_url)
    };
    for (text, path) in [
        ("", ""),
        ("https://m.example", ""),
        ("https://m.example/", ""),
        ("https://m.example/music/", "/music"),
        ("http://[::1]:80/a/b-c_d.e~f%C3%BC", "/a/b-c_d.e~f%C3%BC"),
    ] {
        assert_eq!(url(text).expect("an address").path(), path, "{text}");
    }
    for bad in ["/a//b", "/..", "/a/./b", "/<b>", "/a&b", "/ü"] {
        let problems = url(&format!("https://m.example{bad}")).expect_err(bad).to_string();
        assert!(problems.contains("public_url has a path of"), "{problems}");
    }
}

#[test]
fn links_are_made_of_the_public_address_or_of_a_reachable_one() {
    let bound = ListenAddress::Address("0.0.0.0:80".parse().expect("an address"));
    let unix = ListenAddress::Unix("/run/segue.sock".into());
    let settings = Settings::merge(&Sources::default()).expect("defaults");
    assert_eq!(settings.base_url(&bound).as_deref(), Some("http://127.0.0.1:80"));
    assert_eq!(settings.base_url(&ListenAddress::Localhost(80)).as_deref(), Some("http://localhost:80"));
    assert_eq!(settings.base_url(&unix), None);
    let settings = Settings::merge(&sources("public_url = \"https://m.example/\"", &[], &[])).expect("an address");
    assert_eq!(settings.base_url(&bound).as_deref(), Some("https://m.example"));
    assert_eq!(settings.base_url(&unix).as_deref(), Some("https://m.example"));
    let file = "listen = \"unix:/run/segue.sock\"\ntls_cert = \"a\"\ntls_key = \"b\"";
    let problems = Settings::merge(&sources(file, &[], &[])).expect_err("it would speak plain HTTP").to_string();
    assert!(problems.contains("a Unix socket speaks no TLS"), "{problems}");
}

#[test]
fn the_sample_file_names_every_setting_with_its_default() {
    let home = BTreeMap::from([("HOME".to_owned(), "/home/you".to_owned())]);
    let defaults = Settings::merge(&Sources { environment: home, ..Sources::default() }).expect("defaults");
    let parts =
        KEYS.iter().zip(defaults.rows()).map(|(key, row)| format!("\n# {}\n# {} = {}\n", key.doc, key.name, row.value));
    let head = "# Settings of Segue with their defaults; uncomment what you change.\n\
                # Stronger than this file: the environment (SEGUE_LISTEN=…), then flags (--listen …).\n";
    expect_file!["../../config/segue.toml"].assert_eq(&(head.to_owned() + &parts.collect::<String>()));
}
