//! The commands of the program: output, messages and exit codes.

use crate::harness::{Dialect, TestDatabase, segue};
use std::process::Output;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("commands write UTF-8")
}

fn config(arguments: &[&str]) -> Output {
    let database = TestDatabase::empty(Dialect::Sqlite);
    segue(&database).arg("config").args(arguments).output().expect("the program runs")
}

#[test]
fn config_prints_each_setting_with_its_origin() {
    let output = config(&["--music", "/a", "/b", "--heartbeat-ms=200", "--sign-up"]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let line =
        |name: &str| printed.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {printed}"));
    let squeezed = |name: &str| line(name).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeezed("music"), r#"music = ["/a", "/b"] # flag --music"#);
    assert_eq!(squeezed("heartbeat_ms"), "heartbeat_ms = 200 # flag --heartbeat-ms");
    assert_eq!(squeezed("sign_up"), "sign_up = true # flag --sign-up");
    assert_eq!(squeezed("lease_ms"), "lease_ms = 500 # default");
    assert!(squeezed("data_dir").ends_with("# environment SEGUE_DATA_DIR"), "{printed}");
}

#[test]
fn the_settings_file_in_the_data_folder_is_read_and_may_not_set_data_dir() {
    let database = TestDatabase::empty(Dialect::Sqlite);
    let file = database.folder.path().join("segue.toml");
    std::fs::write(&file, "grace_ms = 7").expect("a file");
    let printed = text(&segue(&database).arg("config").output().expect("the program runs").stdout);
    assert!(printed.contains(&format!("# file {}", file.display())), "{printed}");
    std::fs::write(&file, "data_dir = \"/elsewhere\"").expect("a file");
    let output = segue(&database).arg("config").output().expect("the program runs");
    assert!(!output.status.success() && text(&output.stderr).contains("use --config"), "{output:?}");
    let output = segue(&database).args(["config", "--config", "/nowhere.toml"]).output().expect("the program runs");
    assert!(!output.status.success() && text(&output.stderr).contains("/nowhere.toml cannot be read"), "{output:?}");
}

#[test]
fn all_bad_settings_are_reported_at_once() {
    let output = config(&["--listen", "x", "--lease-ms", "1", "--database-url", "postgres://h/d?sslmode=require"]);
    let told = text(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("listen is an address") && told.contains("lease_ms is from 100"), "{told}");
    assert!(cfg!(feature = "postgres-tls") || told.contains("--features postgres-tls"), "{told}");
}

#[test]
fn a_port_in_use_is_reported() {
    let database = TestDatabase::empty(Dialect::Sqlite);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has one").to_string();
    let output = segue(&database).args(["serve", "--listen", &address]).output().expect("the program runs");
    assert!(
        !output.status.success() && text(&output.stderr).contains(&format!("{address} cannot be listened on")),
        "{output:?}"
    );
}
