//! The server as a process on a free port.

use super::{Reply, TestDatabase};
use awc::{Client, ClientRequest, http::Method};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// The `segue` program with this test's data folder and without the `SEGUE_*` variables of the caller.
pub(crate) fn segue(database: &TestDatabase) -> Command {
    let mut command = bare();
    command.env("SEGUE_DATA_DIR", database.folder.path()).env("SEGUE_DATABASE_URL", &database.url);
    command
}

/// The `segue` program without the `SEGUE_*` variables of the caller.
///
/// It is killed when the thread that started it ends, so that a killed test leaves no process behind.
pub(crate) fn bare() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_segue")]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SEGUE_") {
            command.env_remove(name);
        }
    }
    // All tests log in from the same address.
    command.env("SEGUE_LOGIN_TRIES_PER_ADDRESS", "100000").env("SEGUE_LOGIN_TRIES_PER_USER", "100000");
    command
}

/// Makes the changes that `inner` makes to the caller's environment in `outer`, which is to run the same program.
pub(crate) fn pass_environment(inner: &Command, outer: &mut Command) {
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    /// `http://` and the address.
    pub(crate) base: String,
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(database: &TestDatabase) -> Self {
        Self::start_with(database, &[]).await
    }

    /// Starts the server with more arguments and waits until it is ready.
    pub(crate) async fn start_with(database: &TestDatabase, arguments: &[&str]) -> Self {
        Self::start_at(database, "127.0.0.1:0", arguments).await
    }

    /// Starts a server on this address, for example on that of an earlier one.
    pub(crate) async fn start_at(database: &TestDatabase, address: &str, arguments: &[&str]) -> Self {
        let mut command = segue(database);
        command.arg("serve").args(["--listen", address]).args(arguments);
        Self::run(command).await
    }

    /// Starts a server by a command and waits until it is ready.
    pub(crate) async fn run(command: Command) -> Self {
        let server = Self::spawn(command);
        let ready = server.get("/readyz").await;
        assert_eq!(ready.status, 200, "{}", String::from_utf8_lossy(&ready.body));
        server
    }

    /// Starts a server by a command and waits until it prints its address.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let base = loop {
            let line = next_line(&mut output).expect("the server says where it listens before it ends");
            if let Some(base) = line.strip_prefix("listening ") {
                break base.to_owned();
            }
        };
        Self { child, output, base }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its standard output; `None` when it has ended.
    pub(crate) fn line(&mut self) -> Option<String> {
        next_line(&mut self.output)
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.pid().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "the signal was not delivered");
    }

    /// Waits until it ends; returns whether it ended with success.
    pub(crate) fn wait(&mut self) -> bool {
        self.child.wait().expect("the server is our child").success()
    }

    /// Makes an account by the command line and logs in. The password is the name and `-password`.
    pub(crate) async fn user(&self, database: &TestDatabase, name: &str) -> Login<'_> {
        self.account(database, &["user", "add", name], name).await
    }

    /// The same as [`Server::user`], for an admin.
    pub(crate) async fn admin(&self, database: &TestDatabase, name: &str) -> Login<'_> {
        self.account(database, &["user", "add", name, "--admin"], name).await
    }

    async fn account(&self, database: &TestDatabase, arguments: &[&str], name: &str) -> Login<'_> {
        let password = format!("{name}-password");
        let output =
            segue(database).args(arguments).env("SEGUE_PASSWORD", &password).output().expect("the program runs");
        assert!(output.status.success(), "{output:?}");
        self.log_in(name, &password).await
    }

    /// Logs in.
    pub(crate) async fn log_in(&self, name: &str, password: &str) -> Login<'_> {
        let reply = self.post("/v1/auth/login", &json!({"username": name, "password": password})).await;
        let body = reply.json();
        assert_eq!(reply.status, 200, "{body}");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Login {
            server: self,
            token: text(&body["token"]),
            id: text(&body["login_id"]),
            user: text(&body["user"]["id"]),
        }
    }

    /// A request without a token, to be completed and passed to [`send`].
    pub(crate) fn request(&self, method: Method, path: &str) -> ClientRequest {
        let client = Client::builder().timeout(Duration::from_mins(5)).disable_redirects().finish();
        client.request(method, format!("{}{path}", self.base)).no_decompress()
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        receive(self.request(Method::POST, path).send_json(body).await).await
    }
}

/// A login on a server: requests with its token.
pub(crate) struct Login<'a> {
    server: &'a Server,
    pub(crate) token: String,
    pub(crate) id: String,
    pub(crate) user: String,
}

impl Login<'_> {
    /// A request with the token, to be completed and passed to [`send`].
    pub(crate) fn request(&self, method: Method, path: &str) -> ClientRequest {
        self.server.request(method, path).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        send(self.request(Method::DELETE, path)).await
    }

    /// Sends a JSON body with this method.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        receive(self.request(method, path).send_json(body).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::PUT, path, body).await
    }
}

/// Sends a request without a body.
pub(crate) async fn send(request: ClientRequest) -> Reply {
    receive(request.send().await).await
}

/// Reads the whole answer.
pub(crate) async fn receive<S>(answer: Result<awc::ClientResponse<S>, awc::error::SendRequestError>) -> Reply
where
    S: futures_util::Stream<Item = Result<bytes::Bytes, awc::error::PayloadError>>,
{
    let mut answer = answer.expect("the server answers");
    let body = answer.body().limit(64 << 20).await.expect("the whole body arrives");
    Reply { status: answer.status(), headers: answer.headers().clone(), body: body.to_vec() }
}

fn next_line(output: &mut BufReader<ChildStdout>) -> Option<String> {
    let mut line = String::new();
    let bytes = output.read_line(&mut line).expect("the server writes UTF-8");
    (bytes > 0).then(|| line.trim_end().to_owned())
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("the server is our child");
        self.child.wait().expect("a killed process ends");
    }
}
