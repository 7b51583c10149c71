//! One PostgreSQL cluster for the whole test process, and databases in it.

use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A running cluster; it stops when this process ends in whatever way, because its input closes then.
struct Cluster {
    folder: PathBuf,
    _input: ChildStdin,
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres.sh");
        #[expect(clippy::zombie_processes, reason = "it lives until this process ends")]
        let mut child = Command::new(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("tests/postgres.sh starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut line).expect("the script says where the cluster is");
        assert!(line.ends_with('\n'), "PostgreSQL did not start; its log is above");
        let cluster =
            Cluster { folder: line.trim_end().into(), _input: child.stdin.take().expect("its input is piped") };
        execute(&cluster.url("postgres"), "CREATE DATABASE template_segue");
        let url = cluster.url("template_segue").parse().expect("a good URL");
        segue::db::migrate(&url).expect("the tables are made");
        cluster
    })
}

impl Cluster {
    fn url(&self, name: &str) -> String {
        format!("postgres:///{name}?host={}&user=segue", self.folder.display())
    }
}

/// A new database's URL: empty, or with the tables of today.
pub(super) fn create(migrated: bool) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let cluster = cluster();
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let template = if migrated { "template_segue" } else { "template0" };
    execute(&cluster.url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE {template}"));
    cluster.url(&name)
}

fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::establish(url).expect("the cluster answers");
    diesel::sql_query(sql).execute(&mut connection).expect(sql);
}
