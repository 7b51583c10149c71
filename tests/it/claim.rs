//! One server at a time uses a database.

use crate::harness::{Server, segue};
use std::process::Stdio;

on_both_databases! {
    async fn a_second_server_does_not_start_and_names_the_first(database) {
        let first = Server::start(&database).await;
        let second = segue(&database).args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).output();
        let second = second.expect("the program runs");
        let told = String::from_utf8(second.stderr).expect("text");
        assert_eq!(second.status.code(), Some(1), "{told}");
        let named = format!("another server uses this database (segue process {}, listening at 127.0.0.1:", first.pid());
        assert!(told.contains(&named), "{told}");
        // The first one is unharmed, and commands work beside it.
        first.user(&database, "anna").await.get("/v1/me").await;
        assert!(segue(&database).args(["user", "list"]).output().expect("the program runs").status.success());
    }

    async fn a_database_is_free_when_its_server_has_ended_in_whatever_way(database) {
        for signal in ["KILL", "TERM"] {
            let mut server = Server::start(&database).await;
            server.signal(signal);
            server.wait();
        }
        Server::start(&database).await;
    }
}
