//! Methods of routes.

use actix_web::{Route, guard, web};

/// A route for GET, which as RFC 9110 (9.3.2) has it answers HEAD, too: the connection leaves the content out.
pub(super) fn reads() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}
