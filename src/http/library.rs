//! Scans of the music folders.

use super::{Admin, AuthUser, Page, Paging, reads};
use crate::{app::App, catalog::scan::ScanProgress, db::files, error::ApiError, time};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/v1/library/scan").route(reads().to(status)).route(web::post().to(scan)))
        .service(web::resource("/v1/library/troubles").route(reads().to(troubles)))
        .service(web::resource("/v1/library/unreadable").route(reads().to(unreadable)));
}

/// The scan that runs, or the last one.
#[derive(Serialize, ToSchema)]
pub(super) struct ScanObject {
    /// Whether a scan runs now.
    running: bool,
    /// Whether another scan follows it.
    queued: bool,
    /// Whether the last scan went through all folders.
    complete: bool,
    started_at: Option<String>,
    /// With milliseconds, so that two scans never have the same time.
    finished_at: Option<String>,
    /// The folder that is being scanned; for admins.
    folder: Option<String>,
    /// Files seen so far.
    seen: u64,
    /// Files whose tags were read or that had not changed.
    done: u64,
    /// How many files there probably are; 0 while unknown.
    expected: u64,
    unchanged: u64,
    added: u64,
    changed: u64,
    moved: u64,
    missing: u64,
    /// Files that cannot be read: while a scan runs those that it tried to read, after its end all, which
    /// `/v1/library/unreadable` names.
    unreadable: u64,
    /// Parts of tags, of files that this scan read, that could not be read; `/v1/library/troubles` names those of all files.
    losses: u64,
    /// Files per second.
    rate: f64,
    /// Estimated seconds until the end.
    eta_s: Option<u64>,
    /// The first problems with folders; for admins.
    troubles: Vec<String>,
    trouble_count: u64,
}

impl ScanObject {
    fn new(progress: ScanProgress, for_admin: bool) -> Self {
        let now = time::now();
        Self {
            rate: progress.rate(now),
            eta_s: progress.eta_s(now),
            running: progress.running,
            queued: progress.queued,
            complete: progress.complete,
            started_at: progress.started.map(time::rfc3339_ms),
            finished_at: progress.finished.map(time::rfc3339_ms),
            folder: progress.folder.filter(|_| for_admin),
            seen: progress.seen,
            done: progress.done,
            expected: progress.expected,
            unchanged: progress.unchanged,
            added: progress.added,
            changed: progress.changed,
            moved: progress.moved,
            missing: progress.missing,
            unreadable: progress.unreadable,
            losses: progress.losses,
            troubles: if for_admin { progress.troubles } else { Vec::new() },
            trouble_count: progress.trouble_count,
        }
    }
}

/// The progress of the scan that runs, or the result of the last one.
#[utoipa::path(get, path = "/v1/library/scan", tag = "library", responses((status = 200, body = ScanObject)))]
pub(super) async fn status(app: web::Data<App>, asker: AuthUser) -> Result<web::Json<ScanObject>, ApiError> {
    let for_admin = asker.is_admin(&app).await?;
    Ok(web::Json(ScanObject::new(app.scanner.progress(), for_admin)))
}

/// How to scan.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ScanQuery {
    /// Whether files are read again that have not changed, as a whole where their SHA-256 is known. That takes as long as
    /// reading all music.
    #[serde(default)]
    reread_all: bool,
}

/// Starts a scan; for admins. While one runs, at most one more is queued.
#[utoipa::path(post, path = "/v1/library/scan", tag = "library", params(ScanQuery), responses((status = 202, body = ScanObject),
    (status = 403), (status = 409, description = "no music folders are set")))]
pub(super) async fn scan(
    app: web::Data<App>,
    _: Admin,
    query: web::Query<ScanQuery>,
) -> Result<HttpResponse, ApiError> {
    if app.settings.music.is_empty() {
        let message = "this server has no music folders: start it with --music DIR";
        return Err(ApiError::new(crate::error::Kind::Conflict, message));
    }
    app.scanner.ask(query.reread_all);
    Ok(HttpResponse::Accepted().json(ScanObject::new(app.scanner.progress(), true)))
}

/// A file that cannot be read.
#[derive(Serialize, ToSchema)]
pub(super) struct UnreadableObject {
    path: String,
    reason: String,
}

/// The files that cannot be read, with reasons; for admins.
#[utoipa::path(get, path = "/v1/library/unreadable", tag = "library", params(Paging),
    responses((status = 200, body = Page<UnreadableObject>), (status = 403)))]
pub(super) async fn unreadable(
    request: HttpRequest,
    app: web::Data<App>,
    _: Admin,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<UnreadableObject>>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let (found, total) = app.db.read(move |connection| files::unreadable(connection, limit, offset)).await?;
    let object =
        |file: files::UnreadableFile| UnreadableObject { path: file.path.display().to_string(), reason: file.reason };
    Ok(web::Json(Page::new(&request, (limit, offset), found.into_iter().map(object).collect(), total)))
}

/// A file with trouble.
#[derive(Serialize, ToSchema)]
pub(super) struct TroubleObject {
    path: String,
    /// Whether its audio can be read, so that it is in the library.
    is_readable: bool,
    /// What is wrong, one sentence each: why it cannot be read, or which parts of its tags could not be, or were read
    /// although they are not as they should be.
    reasons: Vec<String>,
}

/// The files that cannot be read, and those whose tags have parts that cannot, with reasons; for admins.
#[utoipa::path(get, path = "/v1/library/troubles", tag = "library", params(Paging),
    responses((status = 200, body = Page<TroubleObject>), (status = 403)))]
pub(super) async fn troubles(
    request: HttpRequest,
    app: web::Data<App>,
    _: Admin,
    paging: web::Query<Paging>,
) -> Result<web::Json<Page<TroubleObject>>, ApiError> {
    let (limit, offset) = paging.checked()?;
    let (found, total) = app.db.read(move |connection| files::troubles(connection, limit, offset)).await?;
    let object = |file: files::FileTrouble| TroubleObject {
        path: file.path.display().to_string(),
        is_readable: file.is_readable,
        reasons: file.reasons,
    };
    Ok(web::Json(Page::new(&request, (limit, offset), found.into_iter().map(object).collect(), total)))
}
