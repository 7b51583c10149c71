//! The answer to a request for the bytes of a file: all of them, ranges, 304, or an error.

use crate::{
    app::App,
    auth::{LinkClaims, LinkError},
    db::media::{self, Media, Sum},
    error::{ApiError, Kind},
    media::{
        blocks::{BlockReader, CachedObject, FetchError, FetchFailure},
        bytes::MediaBytes,
        content_type::content_type,
        digest::what_is_wrong,
        file::{MediaFile, OpenError},
        multipart,
        multipart::BodyPiece,
        precondition::{ConditionalFields, Decision, Method, Object, decide},
        range::ByteRange,
        stream::{DigestSink, MediaBody},
        threads::FolderThreads,
    },
    storage::StoredObject,
    time,
};
use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    body::SizedStream,
    http::{self, StatusCode, header},
    rt, web,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use segue_actors::count;
use std::{
    io,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

/// How many bytes may wait in the buffer of a connection when it asks for the next chunk of a body. This and one chunk are
/// all the memory that a slow client takes.
pub(super) const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// After how many seconds to ask again while the disk of a file does not answer.
const RETRY_AFTER_S: u64 = 5;

/// Answers with the bytes of `media` that the request asks for. The answer breaks off when the login ends of `claims` or
/// their time is over, so that nobody goes on listening to a long file; a CDN has none.
///
/// # Errors
/// `busy` when its disk does not answer, `not_found` when the file is gone, `media_changed` when it differs from what was scanned, `precondition_failed` and
/// `range_not_satisfiable` as RFC 9110 says.
pub(super) async fn respond(
    request: &HttpRequest,
    app: &web::Data<App>,
    claims: Option<LinkClaims>,
    media: Media,
    cache_control: &'static str,
) -> Result<HttpResponse, ApiError> {
    let bytes = media_bytes(app, &media).await?;
    let now_s = u64::try_from(time::now().0 / 1_000_000).unwrap_or(0);
    let method = if request.method() == http::Method::HEAD { Method::Head } else { Method::Get };
    let planned = match plan(method, &fields(request), &media, cache_control, now_s) {
        Ok(planned) => planned,
        Err(NoBytes::Unsatisfiable) => return Ok(unsatisfiable(media.stat.length())),
        Err(NoBytes::PreconditionFailed) => {
            return Err(ApiError::new(
                Kind::PreconditionFailed,
                "the file has other bytes than the request's conditions ask for",
            ));
        }
    };
    count::media(false);
    let mut response = HttpResponse::build(planned.status);
    let has_content = planned.has_content();
    for field in planned.fields {
        response.insert_header(field);
    }
    if !has_content {
        return Ok(response.finish());
    }
    let (is_whole, segments) = (planned.is_whole, planned.segments);
    let length = segments.iter().map(BodyPiece::length).sum();
    let body = if method == Method::Head {
        stream::empty().boxed_local()
    } else {
        let mut body = match (&bytes, media.sha256) {
            (MediaBytes::File(..), None) if is_whole => MediaBody::hashed(bytes, length, recorder(app, &media)),
            _ => MediaBody::new(bytes, segments),
        };
        body.begin().await.map_err(|error| fetch_refusal(app, &media, &error))?;
        body.stream().boxed_local()
    };
    let body = while_valid(body, app, claims);
    let app = app.clone();
    let body = body.inspect_err(move |error| broken(&app, &media, error));
    // With `Content-Length` a client sees when a body ends early.
    Ok(response.body(SizedStream::new(length, body)))
}

/// An answer with the bytes of a file, or with the news that the client has them.
pub(super) struct Planned {
    pub(super) status: StatusCode,
    /// The header fields that do not depend on how it is sent.
    pub(super) fields: Vec<(header::HeaderName, String)>,
    /// What the content is made of, which a `HEAD` leaves out.
    pub(super) segments: Vec<BodyPiece>,
    /// Whether all bytes are sent, as they are.
    pub(super) is_whole: bool,
}

impl Planned {
    /// Whether there is content, if only an empty one.
    pub(super) fn has_content(&self) -> bool {
        self.status != StatusCode::NOT_MODIFIED
    }
}

/// Why a request gets no bytes.
pub(super) enum NoBytes {
    /// A condition of the request does not hold: 412.
    PreconditionFailed,
    /// No byte of the ranges exists: 416.
    Unsatisfiable,
}

/// The answer at `now_s` seconds since 1970.
///
/// # Errors
/// See [`NoBytes`].
pub(super) fn plan(
    method: Method,
    fields: &ConditionalFields<'_>,
    media: &Media,
    cache_control: &str,
    now_s: u64,
) -> Result<Planned, NoBytes> {
    let etag = format!("\"{}\"", media.version);
    // `Last-Modified` must not be later than `Date` (RFC 9110, 8.8.2.1).
    let modified_s = media.stat.modified_s().min(now_s);
    let length = media.stat.length();
    let decision = decide(method, fields, &Object { etag: &etag, modified_s, length }, now_s);
    let modified = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(modified_s));
    let mut fields = vec![
        (header::ETAG, etag),
        (header::LAST_MODIFIED, modified),
        (header::CACHE_CONTROL, cache_control.to_owned()),
    ];
    let mut media_type = content_type(&media.container, &media.codec).to_owned();
    let (status, segments) = match decision {
        Decision::NotModified => {
            let status = StatusCode::NOT_MODIFIED;
            return Ok(Planned { status, fields, segments: Vec::new(), is_whole: false });
        }
        Decision::Part(part) => {
            fields.push((header::CONTENT_RANGE, format!("bytes {}-{}/{length}", part.first, part.last)));
            (StatusCode::PARTIAL_CONTENT, vec![BodyPiece::Range(part)])
        }
        Decision::Parts(parts) => {
            let boundary = format!("{:032x}", rand::random::<u128>());
            let segments = multipart::segments(&parts, length, &media_type, &boundary);
            media_type = format!("multipart/byteranges; boundary={boundary}");
            (StatusCode::PARTIAL_CONTENT, segments)
        }
        Decision::Whole => {
            let last = length.checked_sub(1);
            (StatusCode::OK, last.map(|last| BodyPiece::Range(ByteRange { first: 0, last })).into_iter().collect())
        }
        Decision::PreconditionFailed => return Err(NoBytes::PreconditionFailed),
        Decision::Unsatisfiable => return Err(NoBytes::Unsatisfiable),
    };
    fields.push((header::CONTENT_TYPE, media_type));
    fields.push((header::ACCEPT_RANGES, "bytes".to_owned()));
    fields.push((header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()));
    if let Some(digest) = media.sha256 {
        fields.push((header::HeaderName::from_static("repr-digest"), digest.field()));
    }
    let is_whole = match *segments {
        [] => true,
        [BodyPiece::Range(part)] => part.length() == length,
        _ => false,
    };
    Ok(Planned { status, fields, segments, is_whole })
}

/// The bytes of a media file: the file, opened, or what reads the object.
///
/// # Errors
/// Those of [`open`].
pub(super) async fn media_bytes(app: &App, media: &Media) -> Result<MediaBytes, ApiError> {
    let threads = app.file_threads.of(&media.path);
    let Some(object) = &media.object else {
        let file = open(app, threads, media).await?;
        return Ok(MediaBytes::File(Arc::new(file), threads.clone()));
    };
    let length = media.stat.length();
    let stored = StoredObject::new(app.storage.clone(), object.url.clone(), object.etag.clone(), length);
    let object = CachedObject::new(&media.version, length, stored);
    let object = object.ok_or_else(|| ApiError::internal("a version that is no hexadecimal number"))?;
    Ok(MediaBytes::Blocks(BlockReader::new(app.blocks.clone(), object)))
}

/// Why the storage does not give the bytes of `media`. If the object differs from what was scanned, asks for a scan of its
/// folder.
fn fetch_refusal(app: &App, media: &Media, error: &FetchError) -> ApiError {
    match error.failure {
        FetchFailure::Absent => ApiError::new(
            Kind::NotFound,
            "the object of this track is not where it was scanned: scan again if it was moved",
        ),
        FetchFailure::Changed => {
            notice_change(app, media);
            ApiError {
                retry_after_s: Some(RETRY_AFTER_S),
                ..ApiError::new(
                    Kind::MediaChanged,
                    "the object of this track has changed and is being scanned again; try again",
                )
            }
        }
        FetchFailure::Unavailable => ApiError {
            retry_after_s: Some(RETRY_AFTER_S),
            cause: Some(format!("{}: {error}", media.path.display())),
            ..ApiError::new(
                Kind::Unavailable,
                "the storage with the bytes of this track does not give them: try again in some seconds",
            )
        },
    }
}

/// Notes that an answer broke off, and asks for a scan if that is because the object differs from what was scanned: its first
/// blocks may be kept, so that the start of an answer does not tell.
pub(super) fn broken(app: &App, media: &Media, error: &io::Error) {
    log::warn!("{} broke off: {error}", media.path.display());
    let fetching = error.get_ref().and_then(|cause| cause.downcast_ref::<FetchError>());
    if fetching.is_some_and(|error| error.failure == FetchFailure::Changed) {
        notice_change(app, media);
    }
}

/// Asks for a scan of the folder of a file that differs from what was scanned.
fn notice_change(app: &App, media: &Media) {
    let is_news = media.path.parent().is_some_and(|folder| app.scanner.notice(folder));
    if is_news {
        log::info!("{} has changed since it was scanned", media.path.display());
    }
}

/// Whether the answer to the request is one without bytes: 304.
pub(super) fn has_current_bytes(request: &HttpRequest, media: &Media, now_s: u64) -> bool {
    let method = if request.method() == http::Method::HEAD { Method::Head } else { Method::Get };
    let planned = plan(method, &fields(request), media, "", now_s);
    planned.is_ok_and(|planned| planned.status == StatusCode::NOT_MODIFIED)
}

/// Opens the file. If it differs from what was scanned, asks for a scan of its folder.
pub(super) async fn open(app: &App, threads: &FolderThreads, media: &Media) -> Result<MediaFile, ApiError> {
    let (path, stat, sha256) = (media.path.clone(), media.stat, media.sha256);
    let open = move || Ok(MediaFile::open(&path, stat).map(|file| file.with_sha256(sha256)));
    let opened = threads.run(open).await.map_err(|error| ApiError {
        retry_after_s: Some(RETRY_AFTER_S),
        cause: Some(format!("{}: {error}", media.path.display())),
        ..ApiError::new(Kind::Busy, "the disk with the file of this track does not answer: try again in some seconds")
    })?;
    if matches!(opened, Err(OpenError::Changed)) {
        notice_change(app, media);
    }
    opened.map_err(|error| match error {
        OpenError::Missing => ApiError::new(
            Kind::NotFound,
            "the file of this track is not where it was scanned: scan again if it was moved",
        ),
        OpenError::Changed => ApiError {
            retry_after_s: Some(2),
            ..ApiError::new(
                Kind::MediaChanged,
                "the file of this track has changed and is being scanned again; try again",
            )
        },
        OpenError::Failed(error) => ApiError::unavailable("the file of this track", error),
    })
}

fn fields(request: &HttpRequest) -> ConditionalFields<'_> {
    let lines = |name| request.headers().get_all(name).map(header::HeaderValue::as_bytes).collect();
    ConditionalFields {
        if_match: lines(header::IF_MATCH),
        if_unmodified_since: lines(header::IF_UNMODIFIED_SINCE),
        if_none_match: lines(header::IF_NONE_MATCH),
        if_modified_since: lines(header::IF_MODIFIED_SINCE),
        if_range: lines(header::IF_RANGE),
        range: lines(header::RANGE),
    }
}

fn unsatisfiable(length: u64) -> HttpResponse {
    let message = format!("the ranges lie beyond the end: there are {length} bytes");
    let mut response = ApiError::new(Kind::RangeNotSatisfiable, message).error_response();
    let value = header::HeaderValue::from_str(&format!("bytes */{length}")).expect("digits fit a header");
    response.headers_mut().insert(header::CONTENT_RANGE, value);
    response
}

/// Stores the SHA-256 of a file once all its bytes were sent.
fn recorder(app: &web::Data<App>, media: &Media) -> DigestSink {
    let (db, version, path) = (app.db.clone(), media.version.clone(), media.path.clone());
    Box::new(move |digest| {
        rt::spawn(async move {
            let record = move |connection: &mut _| media::record_sum(connection, &version, digest, time::now().0);
            match db.write(record).await {
                Ok(Sum::Other { confirmed }) => log::warn!("{}: {}", path.display(), what_is_wrong(confirmed)),
                Ok(Sum::First | Sum::Same) => {}
                Err(error) => log::warn!("the hash of {} could not be kept: {error}", path.display()),
            }
        });
    })
}

/// The body, which fails when its login has ended, or the time of the token or link is over.
fn while_valid<S: Stream<Item = io::Result<Bytes>>>(
    body: S,
    app: &web::Data<App>,
    claims: Option<LinkClaims>,
) -> impl Stream<Item = io::Result<Bytes>> + use<S> {
    let auth = Arc::clone(&app.auth);
    let failed = |why: LinkError| io::Error::new(io::ErrorKind::PermissionDenied, why.to_string());
    // Before the first chunk the request itself was checked.
    let checked = move |(at, chunk): (usize, io::Result<Bytes>)| match claims.filter(|_| at > 0) {
        None => chunk,
        Some(claims) => auth.check_claims(claims).map_err(failed).and(chunk),
    };
    body.enumerate().map(checked)
}
