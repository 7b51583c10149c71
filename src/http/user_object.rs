//! A user as answers show it.

use super::{
    objects::{ExternalUrls, Image},
    page::address,
    uris::Noun,
};
use crate::{db::users::User, time};
use actix_web::HttpRequest;
use segue_client::protocol::ids::UserId;
use serde::Serialize;
use utoipa::ToSchema;

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct UserObject {
    #[schema(value_type = String)]
    id: UserId,
    display_name: String,
    /// Always `user`.
    r#type: &'static str,
    /// `admin` or `user`.
    role: String,
    href: String,
    uri: String,
    external_urls: ExternalUrls,
    /// Always empty: users have no pictures.
    images: Vec<Image>,
    created_at: String,
}

impl UserObject {
    pub(super) fn new(request: &HttpRequest, user: &User) -> Self {
        Self {
            id: user.id,
            display_name: user.name.clone(),
            r#type: "user",
            role: user.role.to_string(),
            href: address(request, &format!("/v1/users/{}", user.id)),
            uri: Noun::User.uri(&user.id.to_string()),
            external_urls: ExternalUrls::none(),
            images: Vec::new(),
            created_at: time::rfc3339(user.created),
        }
    }
}
