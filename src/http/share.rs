//! What a shared address leads to: a small page that shows and plays it to whoever has an account. The page itself tells
//! nothing of the library.

use super::{openapi::file, reads};
use actix_web::{HttpResponse, web};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/{noun:track|album|artist|playlist}/{id:[0-9a-f]{16}}").route(reads().to(page)))
        .service(
            web::resource("/share.css").route(reads().to(|| async { file("text/css", include_str!("share.css")) })),
        )
        .service(
            web::resource("/share.js")
                .route(reads().to(|| async { file("text/javascript", include_str!("share.js")) })),
        );
}

async fn page() -> HttpResponse {
    file("text/html", include_str!("share.html"))
}
