//! Printed commands can be pasted into a shell unchanged, and printed links can be opened.

use super::is_root;
use crate::harness::{Dialect, Server, TestDatabase, bare, pass_environment, receive, run, send, until};
use awc::{Client, http::Method};
use serde_json::json;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

/// A shell in another folder, with no setting of Segue but the password of accounts that are made.
fn shell(line: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir("/").stdin(Stdio::null());
    pass_environment(&bare(), &mut shell);
    shell.env("SEGUE_PASSWORD", "pasted password");
    shell
}

/// Runs a line as it was printed.
fn paste(line: &str) -> Output {
    shell(line).output().expect("a shell runs")
}

/// Reads what a server without accounts prints: the command to paste, and the links.
fn invitation(server: &mut Server) -> (String, Vec<String>) {
    let (mut command, mut links) = (String::new(), Vec::new());
    loop {
        let line = server.line().expect("it goes on");
        match line.strip_prefix("  ") {
            Some(address) if address.contains("/setup#") => links.push(address.to_owned()),
            Some(line) if line.contains(" user add ") => line.clone_into(&mut command),
            _ => assert!(links.is_empty(), "the links are the last lines, and then: {line}"),
        }
        if links.last().is_some_and(|link| link.starts_with(&server.base)) {
            return (command, links);
        }
    }
}

#[test]
fn the_account_is_made_in_the_database_of_the_server() {
    run(async {
        let postgres = TestDatabase::new(Dialect::Postgres);
        let home = tempfile::tempdir().expect("a folder");
        let odd = home.path().join("it's a $folder");
        let file = home.path().join("other settings.toml");
        fs::write(&file, format!("data_dir = {:?}", home.path().join("by file"))).expect("written");
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        let url = format!("sqlite:{}", text(&home.path().join("another.db")));
        let elsewhere = home.path().join("elsewhere");
        let relative = home.path().join("relative.toml");
        fs::write(&relative, "database_url = \"sqlite:here.db\"").expect("written");
        for (variables, flags) in [
            (vec![("XDG_DATA_HOME", text(&home.path().join("by the desktop")))], vec![]),
            // Without a home folder it is `segue-data` in the folder where the server runs.
            (vec![("HOME", String::new()), ("XDG_DATA_HOME", String::new())], vec![]),
            (vec![], vec!["--config".to_owned(), text(&relative)]),
            (vec![], vec!["--data-dir".to_owned(), text(&home.path().join("what? a folder"))]),
            (vec![], vec!["--data-dir".to_owned(), text(&odd)]),
            (vec![("SEGUE_DATA_DIR", text(&home.path().join("by variable")))], vec![]),
            (vec![("SEGUE_DATA_DIR", text(&odd))], vec!["--database-url".to_owned(), url]),
            (vec![("SEGUE_DATA_DIR", text(&odd))], vec!["--database-url".to_owned(), postgres.url.clone()]),
            (vec![], vec!["--config".to_owned(), text(&file)]),
            (vec![("SEGUE_CONFIG", text(&file)), ("SEGUE_DATA_DIR", text(&home.path().join("third")))], vec![]),
        ] {
            let mut command = bare();
            command.args(["serve", "--listen", "127.0.0.1:0"]).args(flags).envs(variables).current_dir(home.path());
            let mut server = Server::run(command).await;
            let (line, _) = invitation(&mut server);
            let output = shell(&line).env("HOME", &elsewhere).env("XDG_DATA_HOME", &elsewhere).output();
            let output = output.expect("a shell runs");
            assert!(output.status.success(), "{line}: {output:?}");
            server.log_in("admin", "pasted password").await;
        }
    });
}

#[test]
fn a_password_in_the_address_of_the_database_is_not_printed() {
    run(async {
        let postgres = TestDatabase::new(Dialect::Postgres);
        // Connections by the Unix socket need no password.
        let url = format!("{}&password=very-secret", postgres.url);
        let mut command = bare();
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("SEGUE_DATABASE_URL", &url);
        command.env("SEGUE_DATA_DIR", postgres.folder.path());
        let mut server = Server::run(command).await;
        let lines: Vec<_> = std::iter::from_fn(|| server.line()).take(4).collect();
        let text = lines.join("\n");
        assert!(!text.contains("very-secret") && text.contains("SEGUE_DATABASE_URL"), "{text}");
        let line = lines.iter().find(|line| line.contains(" user add ")).expect("a line for the shell");
        let output = paste(&format!("SEGUE_DATABASE_URL='{url}'; export SEGUE_DATABASE_URL; {line}"));
        assert!(output.status.success(), "{line}: {output:?}");
        server.log_in("admin", "pasted password").await;
    });
}

#[test]
fn the_set_up_link_is_the_last_line_works_once_and_then_says_to_log_in() {
    run(async {
        let database = TestDatabase::new(Dialect::Sqlite);
        let mut server = Server::start(&database).await;
        let (_, links) = invitation(&mut server);
        let (page, secret) = links[0].split_once('#').expect("a secret");
        assert_eq!(send(Client::default().get(page)).await.status, 200);
        let account = json!({"secret": secret, "username": "anna", "password": "long enough"});
        let old = json!({"secret": "0", "username": "anna", "password": "long enough"});
        let set_up =
            async |account| receive(server.request(Method::POST, "/v1/auth/setup").send_json(account).await).await;
        let early = set_up(&old).await;
        early.assert_error(403, "forbidden");
        assert!(early.json()["error"]["message"].as_str().is_some_and(|told| told.contains("printed last")));
        assert_eq!(set_up(&account).await.status, 200);
        for used in [&account, &old] {
            let again = set_up(used).await;
            again.assert_error(403, "forbidden");
            assert!(again.json()["error"]["message"].as_str().is_some_and(|told| told.contains("log in")), "{again:?}");
        }
        server.signal("TERM");
        assert_eq!(server.line(), None, "nothing comes after the link");
    });
}

#[test]
fn migrations_are_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("text");
    let lines = |output: &Output| -> Vec<String> {
        String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
    };
    let first = super::segue(&["user", "add", "anna", "--log", "info", "--data-dir", data]);
    assert!(first.status.success(), "{first:?}");
    assert!(lines(&first).len() == 1 && lines(&first)[0].contains("migrations run"), "{first:?}");
    let second = super::segue(&["user", "add", "ben", "--log", "info", "--data-dir", data]);
    assert!(second.status.success() && lines(&second).is_empty(), "{second:?}");
}

#[test]
fn links_of_a_server_for_everybody_work_from_outside() {
    let database = TestDatabase::new(Dialect::Sqlite);
    let program = bare();
    // A network namespace with an address that is not a loopback address.
    let address = "192.168.255.1";
    let script = "ip link set lo up && ip address add \"$1\"/24 dev lo && shift && exec \"$@\"";
    let serve = |arguments: &[&str]| {
        let mut command = Command::new("unshare");
        let user: &[&str] = if is_root() { &[] } else { &["--user", "--map-root-user"] };
        command.args(user).args(["--net", "sh", "-c", script, "sh", address]).arg(program.get_program());
        command.args(program.get_args()).args(["serve", "--listen", "0.0.0.0:0"]).args(arguments);
        pass_environment(&program, &mut command);
        command.env("SEGUE_DATA_DIR", database.folder.path()).env("SEGUE_DATABASE_URL", &database.url);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("unshare runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        (child, lines)
    };
    let (mut child, lines) = serve(&[]);
    let setup: Vec<String> = lines.filter(|line| line.contains("/setup#")).take(2).collect();
    child.kill().and_then(|()| child.wait()).expect("it is our child");
    assert!(setup[0].starts_with(&format!("  http://{address}:")), "{setup:?}");
    assert!(setup[1].starts_with("  http://127.0.0.1:"), "{setup:?}");

    assert!(super::segue(&["user", "add", "anna", "--database-url", &database.url]).status.success());
    let (mut child, lines) = serve(&[]);
    let opened: Vec<String> = lines.skip(1).take(2).collect();
    child.kill().and_then(|()| child.wait()).expect("it is our child");
    assert!(opened[0].starts_with(&format!("open this in your browser to listen: http://{address}:")), "{opened:?}");
    assert!(opened[1].starts_with("  or: http://127.0.0.1:"), "{opened:?}");
    let (mut child, lines) = serve(&["--public-url", "https://music.example"]);
    let opened: Vec<String> = lines.skip(1).take(1).collect();
    child.kill().and_then(|()| child.wait()).expect("it is our child");
    assert_eq!(opened, ["open this in your browser to listen: https://music.example/"]);
}

#[test]
fn the_demo_prints_first_where_to_listen_and_all_its_lines_work() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("the demo's");
        let mut command = bare();
        command.args(["demo", "--short", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&data);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the demo starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let mut text = Vec::new();
        while !text.last().is_some_and(|line: &String| line.starts_with("Ctrl-C")) {
            text.push(lines.next().expect("it goes on"));
        }
        let base = text[0].strip_prefix("open this in your browser to listen: ").expect("the first line");
        assert_eq!(send(Client::default().get(base)).await.status, 200);
        let word = text.iter().find_map(|line| line.strip_prefix("and search there for a word, for example "));
        let word = word.expect("a word to search for");
        assert!(text.iter().any(|line| line.contains("make no sound")), "{text:?}");

        let password = fs::read_to_string(data.join("password")).expect("the password's file");
        let login = json!({"username": "demo", "password": password.trim_end()});
        let login =
            receive(Client::default().post(format!("{base}v1/auth/login")).send_json(&login).await).await.json();
        let token = login["token"].as_str().expect("a token");
        let query = format!("{base}v1/search?q={word}");
        until("the word is found", async || {
            let found = send(Client::default().get(&query).bearer_auth(token)).await.json();
            found["tracks"]["total"].as_u64().is_some_and(|total| total > 0)
        })
        .await;

        let (mut devices, mut requests) = (0, 0);
        for line in text.iter().filter_map(|line| line.strip_prefix("  ")) {
            if line.contains(" device ") {
                // A terminal to draw on is not there, so lines are asked for.
                let state = folder.path().display();
                let mut shell = shell(&format!("XDG_STATE_HOME='{state}' {line} --json --exit-with-stdin"));
                let mut device = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell runs");
                let mut told = BufReader::new(device.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
                assert!(told.any(|event| event.contains("\"welcome\"")), "{line}");
                device.stdin = None;
                assert!(device.wait().expect("it is our child").success(), "{line}");
                devices += 1;
            } else if line.starts_with("curl ") {
                let output = paste(&format!("{line} --silent --show-error --fail"));
                assert!(output.status.success() && output.stdout.starts_with(b"{\"token\""), "{line}: {output:?}");
                requests += 1;
            } else if line.ends_with("/docs") {
                assert_eq!(send(Client::default().get(line)).await.status, 200);
                requests += 1;
            }
        }
        assert_eq!((devices, requests), (2, 2), "{text:?}");
        child.kill().and_then(|()| child.wait()).expect("the demo is our child");
        let mut told = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().expect("it is piped"), &mut told).expect("text");
        assert_eq!(told, "", "nothing is said before the first line, or beside it");
    });
}
