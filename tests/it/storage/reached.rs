//! The way to the storage: TLS, and a service that does not answer.

use super::{
    cached::play,
    play::{command, track},
    service::{Fault, Service},
};
use crate::{
    harness::{Dialect, Server, TestDatabase, free_port, run, segue, start_nginx, until},
    stream::fixture::{Track, noise, receive_raw, send_raw},
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::{fs, net::TcpStream};

/// More than are fetched at once.
const ASKERS: usize = 80;

#[test]
fn a_storage_that_does_not_answer_keeps_nobody_from_the_rest() {
    run(async {
        let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
        let bytes = noise(300_000);
        let known = track(&database, &service, "known.flac", &bytes);
        let unknown = track(&database, &service, "unknown.flac", &noise(ASKERS * 262_144));
        let local = Track::add(&database, "local.flac", &bytes);
        let server = Server::run(command(&database, &service, &[])).await;
        let login = server.user(&database, "anna").await;
        assert!(play(&server, &login, &known).await.body == bytes);
        service.take_asked();
        service.fail_always(Some(Fault::Silent));
        let token = format!("Authorization: Bearer {}", login.token);
        let range = |at: usize| format!("Range: bytes={}-{}", at * 262_144, at * 262_144 + 9);
        let ask = |at: usize| send_raw(&server, "GET", &unknown.stream(), &[&token, &range(at)]);
        let askers: Vec<TcpStream> = (0..ASKERS).map(ask).collect();
        let mut asked = 0;
        until("as many are asked for as may be", async || {
            asked += service.take_asked().len();
            asked >= 64
        })
        .await;
        for track in [&known, &local] {
            assert!(play(&server, &login, track).await.body == bytes);
        }
        for asker in askers {
            let answer = receive_raw(asker);
            assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
        }
    });
}

#[test]
fn a_storage_is_reached_by_tls_if_its_certificate_is_known() {
    let (database, service) = (TestDatabase::new(Dialect::Sqlite), Service::start());
    let folder = tempfile::tempdir().expect("a folder");
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).expect("a pair");
    fs::write(folder.path().join("cert.pem"), cert.pem()).expect("written");
    fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).expect("written");
    let port = free_port();
    let site = format!(
        "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;\n\
         location / {{ proxy_pass {1}; proxy_set_header Host $http_host; }} }}",
        folder.path().display(),
        service.endpoint()
    );
    let _proxy = start_nginx(folder.path(), &site);
    service.place("lib/a.flac", b"not music");
    let check = |trusted: bool| {
        let mut command = segue(&database);
        command.args(["storage", "check", "s3://music/lib", "--s3-region=us-east-1"]);
        command.arg(format!("--s3-endpoint=https://localhost:{port}")).arg("--s3-key-file").arg(service.key_file());
        if trusted {
            command.env("SSL_CERT_FILE", folder.path().join("cert.pem"));
        }
        let output = command.output().expect("it runs");
        [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
    };
    // nginx may not listen yet.
    let is_reached = async || check(true).contains("s3://music/lib/a.flac: no track names it");
    run(until("the storage is reached", is_reached));
    let text = check(false);
    assert!(!text.contains("no track names it") && text.contains("certificate"), "{text}");
}
