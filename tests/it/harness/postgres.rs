//! PostgreSQL clusters: one for the whole test process, with a database for each test.

use diesel::{Connection as _, PgConnection, RunQueryDsl as _};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A running cluster. It stops when this is dropped and whenever this process ends, because the script's input is
/// closed.
pub(crate) struct Cluster {
    /// The folder of its data and of its socket.
    pub(crate) folder: PathBuf,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Cluster {
    /// Starts a cluster; the arguments are those of `tests/postgres.sh`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres.sh");
        let mut command = Command::new(script);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        #[expect(clippy::zombie_processes, reason = "it ends by itself once its input is closed")]
        let mut child = command.spawn().expect("tests/postgres.sh starts");
        let input = child.stdin.take().expect("its input is piped");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut cluster = Self { folder: PathBuf::new(), input, output };
        cluster.folder = cluster.line().into();
        cluster
    }

    /// Stops it immediately, as a crash does.
    pub(crate) fn crash(&mut self) {
        self.tell("stop");
    }

    /// Starts it again.
    pub(crate) fn recover(&mut self) {
        self.tell("start");
    }

    /// Stops all its processes where they are.
    pub(crate) fn freeze(&mut self) {
        self.tell("freeze");
    }

    /// Lets them go on.
    pub(crate) fn thaw(&mut self) {
        self.tell("thaw");
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").expect("the script listens");
        assert_eq!(self.line(), command);
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the script answers");
        assert!(line.ends_with('\n'), "PostgreSQL did not start; its log is above");
        line.trim_end().to_owned()
    }

    /// The URL of a database, by the Unix socket.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres:///{name}?host={}&user=segue", self.folder.display())
    }
}

/// The cluster that all tests of this process share.
fn shared() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::start(&[]);
        execute(&cluster.url("postgres"), "CREATE DATABASE template_segue");
        let url = cluster.url("template_segue").parse().expect("a good URL");
        segue::db::migrate(&url).expect("the tables are made");
        cluster
    })
}

/// Creates a database, empty or with all tables; returns its URL.
pub(super) fn create(migrated: bool) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let cluster = shared();
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let template = if migrated { "template_segue" } else { "template0" };
    execute(&cluster.url("postgres"), &format!("CREATE DATABASE {name} TEMPLATE {template}"));
    cluster.url(&name)
}

fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::establish(url).expect("the cluster answers");
    diesel::sql_query(sql).execute(&mut connection).expect(sql);
}
