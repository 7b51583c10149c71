//! The description of this API as OpenAPI 3.1, made from the handlers' annotations, and the page to read it.

use super::{
    albums, artists, auth, codes, command_query, commands, covers, described, following, genres, health, history, keys,
    library, library_uris, lists, metrics, playback, playlist_items, playlist_tracks, playlists, reads, saved, search,
    socket, stream, tracks, users, ways,
};
use crate::{app::App, error::ApiError};
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS},
    },
    web,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        ContentBuilder, OpenApi as Description, Ref, RefOr, ResponseBuilder,
        path::{Operation, Parameter},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

/// Every handler with an address of its own. A test compares this list with the routes.
#[derive(OpenApi)]
#[openapi(
    info(title = "Segue", description = include_str!("openapi.md"), license(name = "MIT OR Apache-2.0")),
    paths(
        albums::list, albums::get, albums::tracks_of,
        artists::list, artists::get, artists::albums_of, artists::tracks_of, artists::top_tracks_of,
        auth::log_in, auth::set_up, auth::sign_up, auth::log_out, auth::list, auth::revoke, auth::revoke_others,
        codes::make, codes::take,
        keys::list, keys::create, keys::remove,
        covers::get,
        genres::list, genres::tracks_of,
        health::lives, health::is_ready, metrics::for_admins,
        history::recently_played, history::top_tracks, history::top_artists,
        library::status, library::scan, library::unreadable, library::troubles,
        playback::look, playback::currently_playing, playback::devices, playback::queue,
        commands::play, commands::pause, commands::stop, commands::seek, commands::next, commands::previous,
        commands::transfer, commands::hand_over, commands::repeat, commands::shuffle, commands::rate, commands::volume,
        commands::replace, commands::insert, commands::clear, commands::shift, commands::remove,
        playlists::list_own, playlists::list, playlists::create, playlists::create_for, playlists::get, playlists::change, playlists::remove,
        playlist_items::list, playlist_items::add, playlist_items::replace_or_reorder, playlist_items::remove,
        playlist_tracks::list, playlist_tracks::add, playlist_tracks::replace_or_reorder, playlist_tracks::remove,
        saved::list, saved::save, saved::forget, saved::contains,
        saved::list_albums, saved::save_albums, saved::forget_albums, saved::contains_albums,
        following::list, following::follow, following::unfollow, following::contains,
        library_uris::save, library_uris::forget, library_uris::contains,
        search::search,
        socket::sync,
        tracks::list, tracks::get,
        stream::info, stream::by_track, stream::by_version,
        users::me, users::set_own_password, users::list, users::create, users::get, users::change, users::remove,
        ways::list,
    ),
    components(schemas(Failed, command_query::RepeatState, lists::Sort, history::TimeRange)),
    tags(
        (name = "sync", description = "The socket by which devices play in sync."),
        (name = "player", description = "State and commands for programs without a socket."),
        (name = "catalogue", description = "Tracks, albums, artists, genres and covers."),
        (name = "playlists", description = "Lists of tracks that users keep."),
        (name = "library", description = "Saved tracks, plays, and scans of the music folders."),
        (name = "media", description = "The bytes of the music."),
        (name = "accounts", description = "Users, logins and passwords."),
        (name = "server", description = "Health checks and metrics."),
    ),
    modifiers(&Common),
)]
struct ApiDocument;

/// Addresses that need no token.
const OPEN: &[&str] = &[
    "/v1/auth/login",
    "/v1/auth/codes/use",
    "/v1/auth/setup",
    "/v1/auth/sign-up",
    "/v1/auth/ways",
    "/v1/covers/{id}",
    "/healthz",
    "/readyz",
    "/v1/sync",
];

/// The body of every error.
#[derive(Serialize, ToSchema)]
struct Failed {
    error: ErrorObject,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
struct ErrorObject {
    /// The HTTP status.
    status: u16,
    /// A stable code: clients may decide by it.
    #[schema(example = "not_found")]
    code: String,
    /// What was wrong and what to do, for people.
    message: String,
    /// The id of the request: that of the `X-Request-Id` header of the answer, and of the server's log.
    #[schema(example = "9f86d081884c7d65")]
    request_id: String,
}

/// Adds to every operation what all have in common: security, an id, the error.
struct Common;

impl Modify for Common {
    fn modify(&self, description: &mut Description) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of a log-in, or an API key."))
            .build();
        let signature = ApiKeyValue::with_description("signature", "A link that was signed for somebody with a token.");
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        components.add_security_scheme("link", SecurityScheme::ApiKey(ApiKey::Query(signature)));
        description.security = Some(vec![needs("token")]);
        for (path, item) in &mut description.paths.paths {
            let methods = [
                ("get", &mut item.get),
                ("head", &mut item.head),
                ("post", &mut item.post),
                ("put", &mut item.put),
                ("patch", &mut item.patch),
                ("delete", &mut item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    complete(method, path, operation);
                }
            }
        }
    }
}

fn complete(method: &str, path: &str, operation: &mut Operation) {
    // Names of handlers are not unique; method and path are.
    let words = path.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    operation.operation_id = Some([method].into_iter().chain(words).collect::<Vec<_>>().join("_"));
    if OPEN.contains(&path) {
        operation.security = Some(Vec::new());
    } else if operation.parameters.iter().flatten().any(is_signature) {
        operation.security = Some(vec![needs("token"), needs("link")]);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            meaning(status).clone_into(&mut response.description);
        }
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Failed"))).build();
    let failed = ResponseBuilder::new().description("An error").content("application/json", content).build();
    operation.responses.responses.entry("default".to_owned()).or_insert_with(|| failed.into());
}

/// The description of a response that has none.
fn meaning(status: &str) -> &'static str {
    let known = status.parse().ok().and_then(|code: u16| StatusCode::from_u16(code).ok());
    known.and_then(|status| status.canonical_reason()).unwrap_or("Done")
}

fn is_signature(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.name == "signature")
}

fn needs(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, Vec::<String>::new())
}

/// The whole description as JSON with indents.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn openapi() -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&description("/")?)
}

/// The description of a server at this address.
fn description(server: &str) -> Result<Value, serde_json::Error> {
    let mut description = serde_json::to_value(ApiDocument::openapi())?;
    described::complete(&mut description, server);
    Ok(description)
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/openapi.json").route(reads().to(document)))
        .service(web::resource("/docs").route(reads().to(|| async { file("text/html", include_str!("docs.html")) })))
        .service(web::resource("/docs.css").route(reads().to(|| async { file("text/css", include_str!("docs.css")) })))
        .service(
            web::resource("/docs.js").route(reads().to(|| async { file("text/javascript", include_str!("docs.js")) })),
        );
}

async fn document(app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let server = app.settings.public_url.as_str().unwrap_or("/");
    Ok(HttpResponse::Ok().json(description(server).map_err(ApiError::internal)?))
}

/// A part of the page `/docs`. Its policy lets the browser load from this server only.
fn file(kind: &str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, format!("{kind}; charset=utf-8")))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .body(text)
}
