//! Who was refused, for the log: wrong passwords and codes, tokens and links that do not count. Each is a WARN line with
//! the client's address; `config/fail2ban-filter.conf` finds those that look like guessing.

use super::{client, requests::RequestId};
use crate::{
    app::App,
    auth::{LinkError, TokenError},
    telemetry::REFUSALS,
};
use actix_web::HttpRequest;
use std::net::IpAddr;

/// The longest name that is logged, in characters: no user has a longer one.
const NAME_CHARS: usize = 64;

/// What was refused. The text begins the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    LogIn,
    SignUp,
    LoginCode,
    SetUpLink,
    Password,
    Token,
    MediaLink,
}

impl What {
    const fn as_str(self) -> &'static str {
        match self {
            Self::LogIn => "log-in",
            Self::SignUp => "sign-up",
            Self::LoginCode => "login code",
            Self::SetUpLink => "set-up link",
            Self::Password => "password",
            Self::Token => "token",
            Self::MediaLink => "media link",
        }
    }
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Name, password, code or secret is wrong.
    Wrong,
    /// The signature is not this server's.
    Forged,
    /// It was valid until its time was over. Devices that were away for long send such tokens.
    Expired,
    /// It was valid until the login was ended.
    Revoked,
    /// The address has tried too often in this minute.
    TooManyFromAddress,
    /// The name was tried too often in this minute, by whomever.
    TooManyForName,
}

impl Why {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Forged => "forged",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::TooManyFromAddress => "too_many_from_address",
            Self::TooManyForName => "too_many_for_name",
        }
    }
}

impl From<TokenError> for Why {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Forged => Self::Forged,
            TokenError::Expired => Self::Expired,
            // So many random bits are not guessed: it was removed.
            TokenError::Revoked | TokenError::NoKey => Self::Revoked,
        }
    }
}

impl From<LinkError> for Why {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Forged => Self::Forged,
            LinkError::Expired => Self::Expired,
            LinkError::Revoked => Self::Revoked,
        }
    }
}

/// Logs that the client of this request was refused; `name` is the user name that it tried.
pub(super) fn log(request: &HttpRequest, app: &App, what: What, why: Why, name: Option<&str>) {
    let address = client::address(request, &app.settings.trusted_proxies);
    write(address, what, why, &RequestId::of(request), name);
}

fn write(address: IpAddr, what: What, why: Why, id: &str, name: Option<&str>) {
    let shown: String = name.unwrap_or_default().chars().take(NAME_CHARS).collect();
    // Address and reason come first, so that nothing a client chose stands before them.
    log::warn!(
        target: REFUSALS,
        address:% = address,
        reason = why.as_str(),
        id,
        name = shown.as_str();
        "{} refused", what.as_str()
    );
}
