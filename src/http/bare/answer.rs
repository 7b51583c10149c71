//! The answer to a request for media. It has the same fields as that of HTTP, except that it is sent here.

use super::{
    head::MediaRequest,
    opened::opened,
    send::{MediaSender, SendError, consume},
};
use crate::{
    app::App,
    config::Delivery,
    http::{
        connection::KnownConnection,
        media::{Planned, broken, plan},
        requests::new_id,
        stream::BY_VERSION,
    },
    media::{multipart::BodyPiece, precondition::Method},
    time,
};
use actix_web::rt::net::TcpStream;
use segue_actors::count;
use std::{fmt::Write as _, time::SystemTime};

/// What became of a request.
pub(super) enum BareOutcome {
    /// It was answered whole.
    Answered,
    /// It was not read: HTTP answers it.
    Unread,
    /// The connection has ended within the answer.
    Broken,
}

/// Answers a request whose head still waits on the connection.
pub(super) async fn answer(
    connection: &TcpStream,
    request: &MediaRequest,
    app: &App,
    known: &KnownConnection,
) -> BareOutcome {
    let MediaRequest { method, version, claims, .. } = request;
    if app.auth.check_link("media", version, *claims, &request.signature).is_err() {
        return BareOutcome::Unread;
    }
    let Some(opened) = opened(app, version).await.filter(|opened| opened.media.container == request.ending) else {
        return BareOutcome::Unread;
    };
    if app.settings.delivery(&opened.media.path) != Delivery::Proxy {
        return BareOutcome::Unread;
    }
    known.note_login();
    let now_s = u64::try_from(time::now().0 / 1_000_000).unwrap_or(0);
    let Ok(planned) = plan(*method, &request.fields(), &opened.media, BY_VERSION, now_s) else {
        return BareOutcome::Unread;
    };
    // HTTP computes the SHA-256 that is missing while it sends a whole file.
    if planned.is_whole && opened.media.sha256.is_none() && opened.media.object.is_none() {
        return BareOutcome::Unread;
    }
    let segments = if *method == Method::Get { planned.segments.as_slice() } else { &[] };
    let mut sender = MediaSender::new(connection, opened.bytes.clone(), &app.auth, *claims);
    // HTTP says what is wrong with the storage.
    if sender.begin(segments).await.is_err() {
        return BareOutcome::Unread;
    }
    if consume(connection, request.head).is_err() {
        return BareOutcome::Broken;
    }
    count::media(true);
    match sender.send(head(&planned, request.closes).as_bytes(), segments).await {
        Ok(()) => BareOutcome::Answered,
        Err(error) => {
            if let SendError::File(error) = error {
                broken(app, &opened.media, &error);
            }
            BareOutcome::Broken
        }
    }
}

/// The head of the answer.
fn head(planned: &Planned, closes: bool) -> String {
    let (status, mut head) = (planned.status, String::with_capacity(512));
    let reason = status.canonical_reason().unwrap_or_default();
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = write!(head, "{name}: {value}\r\n");
    };
    for (name, value) in &planned.fields {
        line(name.as_str(), value);
    }
    if planned.has_content() {
        line("content-length", &planned.segments.iter().map(BodyPiece::length).sum::<u64>().to_string());
    }
    if closes {
        line("connection", "close");
    }
    line("date", &httpdate::fmt_http_date(SystemTime::now()));
    line("x-request-id", &new_id());
    format!("HTTP/1.1 {} {reason}\r\n{head}\r\n", status.as_u16())
}
