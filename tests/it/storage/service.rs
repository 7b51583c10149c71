//! An S3 service on a free port: `s3s` and `s3s-fs` with signatures on, what they leave out, and faults on demand.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::StreamBody;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body as _, Frame, Incoming},
    header::{
        CONTENT_LENGTH, CONTENT_RANGE, ETAG, HOST, HeaderMap, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
    },
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use s3s::{
    Body, HttpResponse, S3, S3Request, S3Response, S3Result,
    auth::SimpleAuth,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
        GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output,
        PutObjectInput, PutObjectOutput, UploadPartInput, UploadPartOutput,
    },
    service::{S3Service, S3ServiceBuilder},
};
use s3s_fs::FileSystem;
use segue::{
    storage::{Attempts, Storage, StorageOptions},
    values::object::ObjectUrl,
};
use std::{
    convert::Infallible,
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

/// The key of the service.
pub(super) const ACCESS_KEY: &str = "AKIDEXAMPLE";
pub(super) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// The bucket that is there.
pub(crate) const BUCKET: &str = "music";

/// What goes wrong with a read of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 500 Internal Server Error.
    Broken,
    /// 503 `SlowDown`.
    SlowDown,
    /// No answer until the connection is closed.
    Silent,
    /// The connection is closed in the middle of the body.
    Cut,
    /// A body that is shorter than it is said to be in `Content-Range`.
    Short,
    /// An answer that takes a third of a second longer.
    Slow,
    /// Nothing, before others that follow.
    Nothing,
}

/// What the service was asked, and what goes wrong.
#[derive(Debug, Default)]
struct Script {
    /// Faults of the next reads, the first one first.
    faults: Vec<Fault>,
    /// The fault of all reads after those.
    always: Option<Fault>,
    /// Method, path and query of each request.
    asked: Vec<String>,
    /// Whether every request is refused with 503.
    is_down: bool,
    /// Whether deletes are refused.
    refuses_deletes: bool,
    /// How many more writes are taken before all are refused.
    writes_left: Option<usize>,
    /// Whether `If-Match` is ignored, as some services do.
    ignores_conditions: bool,
    /// What pages of which origin may read, as `(allowed origin, exposed fields)`.
    cors: Option<(String, String)>,
}

/// A running service; it ends when this is dropped.
pub(crate) struct Service {
    folder: TempDir,
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    /// Its end ends the service's thread.
    _open: oneshot::Sender<()>,
}

impl Service {
    /// Starts a service with an empty bucket.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join(BUCKET)).expect("a bucket is a folder");
        fs::write(
            folder.path().join(".keys.toml"),
            format!("access_key_id = \"{ACCESS_KEY}\"\nsecret_access_key = \"{SECRET_KEY}\"\n"),
        )
        .expect("written");
        let mut builder = S3ServiceBuilder::new(Tagged(FileSystem::new(folder.path()).expect("the folder is there")));
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let (service, script) = (builder.build(), Arc::<Mutex<Script>>::default());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        listener.set_nonblocking(true).expect("a socket");
        let (open, closed) = oneshot::channel::<()>();
        let told = Arc::clone(&script);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("it is non-blocking");
                tokio::select! {
                    () = serve(listener, service, told) => {}
                    _ = closed => {}
                }
            });
        });
        Self { folder, address, script, _open: open }
    }

    /// The address of the service.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A file with the service's key.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.path().join(".keys.toml")
    }

    /// The arguments by which the program finds the service.
    pub(crate) fn arguments(&self) -> [String; 2] {
        [format!("--s3-endpoint={}", self.endpoint()), format!("--s3-key-file={}", self.key_file().display())]
    }

    pub(crate) fn options(&self) -> StorageOptions {
        StorageOptions {
            endpoint: Some(self.endpoint()),
            region: None,
            path_style: true,
            key_file: Some(self.key_file()),
        }
    }

    pub(crate) fn storage(&self, attempts: Attempts) -> Storage {
        Storage::new(self.options(), attempts)
    }

    /// The address of an object in the bucket.
    pub(crate) fn url(key: &str) -> ObjectUrl {
        let whole = ObjectUrl { bucket: BUCKET.to_owned(), key: String::new() };
        if key.is_empty() { whole } else { whole.join(key) }
    }

    /// The file in which the service keeps an object.
    pub(crate) fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }

    /// Puts an object there, by no request.
    pub(crate) fn place(&self, key: &str, bytes: &[u8]) {
        let path = self.file(key);
        fs::create_dir_all(path.parent().expect("in the bucket")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    /// The next reads of objects go wrong in these ways.
    pub(crate) fn fail_next(&self, faults: &[Fault]) {
        self.script.lock().expect("not poisoned").faults = faults.to_vec();
    }

    /// All reads of objects go wrong in this way from now on; `None`: in none.
    pub(crate) fn fail_always(&self, fault: Option<Fault>) {
        self.script.lock().expect("not poisoned").always = fault;
    }

    /// Whether every request is refused with 503 from now on.
    pub(crate) fn be_down(&self, is_down: bool) {
        self.script.lock().expect("not poisoned").is_down = is_down;
    }

    /// Only this many writes succeed from now on; the others are refused as by a service that is not there.
    pub(crate) fn refuse_writes_after(&self, count: usize) {
        self.script.lock().expect("not poisoned").writes_left = Some(count);
    }

    /// Whether deletes are refused from now on.
    pub(crate) fn refuse_deletes(&self, refuse: bool) {
        self.script.lock().expect("not poisoned").refuses_deletes = refuse;
    }

    /// Writes succeed again.
    pub(crate) fn allow_writes(&self) {
        self.script.lock().expect("not poisoned").writes_left = None;
    }

    /// From now on `If-Match` counts for nothing.
    pub(crate) fn ignore_conditions(&self) {
        self.script.lock().expect("not poisoned").ignores_conditions = true;
    }

    /// From now on pages of this origin may read objects, and these fields of the answers.
    pub(crate) fn allow_origin(&self, origin: &str, exposed: &str) {
        self.script.lock().expect("not poisoned").cors = Some((origin.to_owned(), exposed.to_owned()));
    }

    /// What was asked since the last call: method, path and query.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().expect("not poisoned").asked)
    }
}

/// The files, with the entity tags in listings that `s3s-fs` leaves out.
struct Tagged(FileSystem);

/// Hands requests on as they are.
macro_rules! handed_on {
    ($($name:ident: $input:ident => $output:ident;)+) => {
        #[async_trait::async_trait]
        impl S3 for Tagged {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.0.$name(request).await
            })+

            async fn list_objects_v2(
                &self,
                request: S3Request<ListObjectsV2Input>,
            ) -> S3Result<S3Response<ListObjectsV2Output>> {
                let bucket = request.input.bucket.clone();
                let (method, uri) = (request.method.clone(), request.uri.clone());
                let mut listed = self.0.list_objects_v2(request).await?;
                for object in listed.output.contents.iter_mut().flatten() {
                    let key = object.key.clone().unwrap_or_default();
                    let input = HeadObjectInput::builder().bucket(bucket.clone()).key(key).build();
                    let request = S3Request {
                        input: input.expect("bucket and key are all that it needs"),
                        method: method.clone(),
                        uri: uri.clone(),
                        headers: Default::default(),
                        extensions: Default::default(),
                        credentials: None,
                        region: None,
                        service: None,
                        trailing_headers: None,
                    };
                    object.e_tag = self.0.head_object(request).await?.output.e_tag;
                }
                Ok(listed)
            }
        }
    };
}

handed_on! {
    copy_object: CopyObjectInput => CopyObjectOutput;
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput;
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput;
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput;
    delete_object: DeleteObjectInput => DeleteObjectOutput;
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput;
    get_object: GetObjectInput => GetObjectOutput;
    head_object: HeadObjectInput => HeadObjectOutput;
    put_object: PutObjectInput => PutObjectOutput;
    upload_part: UploadPartInput => UploadPartOutput;
}

async fn serve(listener: tokio::net::TcpListener, service: S3Service, script: Arc<Mutex<Script>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (service, script) = (service.clone(), Arc::clone(&script));
        let handler = service_fn(move |request| {
            let (service, script) = (service.clone(), Arc::clone(&script));
            async move { Ok::<_, Infallible>(answer(&service, &script, request).await) }
        });
        tokio::spawn(async move {
            // An error says that the connection was broken, which faults do on purpose.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), handler).await);
        });
    }
}

async fn answer(service: &S3Service, script: &Mutex<Script>, request: Request<Incoming>) -> HttpResponse {
    let wanted: Vec<_> = request.headers().get_all(IF_MATCH).iter().cloned().collect();
    let is_read = request.method() == Method::GET;
    let is_object = is_read && request.uri().path().matches('/').count() > 1 && !request.uri().path().ends_with('/');
    let (fault, ignores_conditions, cors) = {
        let mut script = script.lock().expect("not poisoned");
        script.asked.push(format!("{} {}", request.method(), request.uri()));
        let fault = match (is_object, script.faults.is_empty()) {
            _ if script.is_down => Some(Fault::SlowDown),
            _ if request.method() == Method::PUT && script.writes_left == Some(0) => Some(Fault::Broken),
            _ if request.method() == Method::DELETE && script.refuses_deletes => Some(Fault::Broken),
            _ if request.method() == Method::POST && script.refuses_deletes => Some(Fault::Broken),
            (false, _) => None,
            (true, true) => script.always,
            (true, false) => Some(script.faults.remove(0)),
        };
        if request.method() == Method::PUT {
            script.writes_left = script.writes_left.map(|left| left.saturating_sub(1));
        }
        (fault, script.ignores_conditions, script.cors.clone())
    };
    // `s3s` takes either of the two.
    let is_presigned = request.uri().query().is_some_and(|query| query.contains("X-Amz-Signature="));
    if is_presigned && request.headers().contains_key("authorization") {
        return refuse(StatusCode::BAD_REQUEST, "InvalidArgument");
    }
    match fault {
        Some(Fault::Broken) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        Some(Fault::SlowDown) => return refuse(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        Some(Fault::Silent) => Notify::new().notified().await,
        Some(Fault::Slow) => drop(timeout(Duration::from_millis(333), Notify::new().notified()).await),
        _ => {}
    }
    let origin = request.headers().get("origin").cloned();
    let (mut parts, body) = request.into_parts();
    let mut body = Body::from(body);
    let (mut whole, mut is_known) = (HeaderMap::new(), false);
    if is_presigned && is_object {
        body = Body::empty();
        let mut plain = Request::new(Body::empty());
        *plain.uri_mut() = parts.uri.clone();
        plain.headers_mut().extend(parts.headers.get(HOST).map(|host| (HOST, host.clone())));
        let answered = service.call(plain).await;
        whole = answered.map(|answer| answer.into_parts().0.headers).unwrap_or_default();
        is_known = understand(&mut parts.headers, &whole);
    }
    let answered = service.call(Request::from_parts(parts, body)).await;
    let Ok(mut answer) = answered else { return refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError") };
    if is_object && answer.status().is_success() && !ignores_conditions {
        let is_meant = |tag: &HeaderValue| tag == "*" || answer.headers().get(ETAG) == Some(tag);
        if !wanted.is_empty() && !wanted.iter().any(is_meant) {
            return refuse(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
    }
    if is_known {
        return Response::builder().status(StatusCode::NOT_MODIFIED).body(Body::empty()).expect("a good answer");
    }
    if let (StatusCode::RANGE_NOT_SATISFIABLE, Some(size)) = (answer.status(), whole.get(CONTENT_LENGTH)) {
        let size = HeaderValue::from_str(&format!("bytes */{}", size.to_str().expect("a number"))).expect("a range");
        answer.headers_mut().insert(CONTENT_RANGE, size);
    }
    if let (Some((allowed, exposed)), Some(origin)) = (cors, origin)
        && allowed.as_bytes() == origin.as_bytes()
    {
        answer.headers_mut().insert("access-control-allow-origin", origin);
        let exposed = HeaderValue::from_str(&exposed).expect("names of fields");
        answer.headers_mut().insert("access-control-expose-headers", exposed);
    }
    match fault {
        Some(Fault::Cut) => cut(answer).await,
        Some(Fault::Short) => shorten(answer).await,
        _ => answer,
    }
}

/// Leaves of the fields for browsers what the service understands: `s3s` refuses some that a server has to ignore (RFC 9110,
/// sections 13 and 14.2), and does not know `If-Range`. Returns whether the client has the object (`If-None-Match`).
fn understand(fields: &mut HeaderMap, whole: &HeaderMap) -> bool {
    let etag = whole.get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or("none");
    let known = fields.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let is_known = known.is_some_and(|known| known == "*" || known.contains(etag));
    for name in [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
        fields.remove(name);
    }
    let is_other = fields.remove(IF_RANGE).is_some_and(|tag| Some(&tag) != whole.get(ETAG));
    let ranges: Vec<_> = fields.get_all(RANGE).iter().map(|range| range.as_bytes().to_ascii_lowercase()).collect();
    fields.remove(RANGE);
    let ranges: Vec<_> = ranges.into_iter().filter_map(|range| String::from_utf8(range).ok()).collect();
    if let ([range], false) = (ranges.as_slice(), is_other || is_known)
        && let Ok(known) = s3s::dto::Range::parse(range)
    {
        let size = whole.get(CONTENT_LENGTH).and_then(|size| size.to_str().ok()?.parse().ok());
        let range = match known {
            s3s::dto::Range::Suffix { length } if size.is_some_and(|size: u64| length > size) => "bytes=0-",
            _ => range,
        };
        fields.insert(RANGE, HeaderValue::from_str(range).expect("it was one"));
    }
    is_known
}

fn refuse(status: StatusCode, code: &str) -> HttpResponse {
    let text = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>a fault</Message></Error>");
    Response::builder().status(status).body(Body::from(Bytes::from(text))).expect("a good answer")
}

/// All bytes of a body.
async fn collect(body: Body) -> Bytes {
    let parts: Vec<_> = body.collect().await;
    parts.into_iter().map(|part| part.expect("a file that is there")).collect::<Vec<_>>().concat().into()
}

/// Half of the body, then the end of the connection.
async fn cut(answer: HttpResponse) -> HttpResponse {
    let (parts, body) = answer.into_parts();
    let bytes = collect(body).await;
    let half = bytes.slice(..bytes.len() / 2);
    let broken = || io::Error::new(io::ErrorKind::ConnectionReset, "a fault");
    let frames = stream::iter([Ok(Frame::data(half)), Err(broken())]);
    let body = StreamBody::new(frames);
    assert!(!body.is_end_stream());
    Response::from_parts(parts, Body::http_body_unsync(body))
}

/// One byte less, as if the object ended there.
async fn shorten(answer: HttpResponse) -> HttpResponse {
    let (mut parts, body) = answer.into_parts();
    let bytes = collect(body).await;
    let bytes = bytes.slice(..bytes.len().saturating_sub(1));
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Response::from_parts(parts, Body::from(bytes))
}
