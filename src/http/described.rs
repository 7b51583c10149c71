//! What the description of the API says beyond the handlers' annotations: the server's address, patterns of ids, lengths and
//! bounds of what is sent, the bodies of the player's commands, and the objects that the player shows.

use segue_client::protocol::{device::NAME_CHARS, wire::PAGE_ITEMS};
use serde_json::{Map, Value, json};

/// An id: 16 lower-case hex digits.
const ID: &str = "^[0-9a-f]{16}$";
/// An id, or the URI of a track.
const TRACK: &str = "^((spotify|segue):track:)?[0-9a-f]{16}$";
/// The URI of what has tracks.
const CONTEXT: &str = "^(spotify|segue):(album|artist|playlist):[0-9a-f]{16}$";
/// Up to 50 URIs of what can be saved.
const SAVED: &str =
    "^(spotify|segue):(track|album|artist):[0-9a-f]{16}(,(spotify|segue):(track|album|artist):[0-9a-f]{16}){0,49}$";
/// What a search looks for.
const TYPES: &str = "^(track|album|artist|playlist)(,(track|album|artist|playlist)){0,3}$";
/// Letters and digits of all scripts and some signs.
const USER_NAME: &str = r"^[\w.\-@+']+$";
/// A text that is not blank.
const NOT_BLANK: &str = r"\S";

/// Completes the description. `server` is the address below which all paths are.
pub(super) fn complete(description: &mut Value, server: &str) {
    add(description, &json!({"servers": [{"url": server, "description": "This server"}]}));
    if let Some(schemas) = description.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.extend(whole_schemas().into_iter().map(|(name, schema)| (name.to_owned(), schema)));
    }
    for (schema, field, bounds) in bounds_of_fields() {
        if let Some(property) = description.pointer_mut(&pointer(schema, field)) {
            add(property, &bounds);
        }
    }
    for (_, schema) in entries(description.pointer_mut("/components/schemas")) {
        ids_of(schema);
    }
    for (path, item) in entries(description.get_mut("paths")) {
        for (method, operation) in entries(Some(item)) {
            complete_operation(path, method, operation);
        }
    }
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    for parameter in list(operation.get_mut("parameters")) {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        if let (Some(bounds), Some(schema)) = (bounds_of_parameter(path, &name, &place), parameter.get_mut("schema")) {
            add(schema, &bounds);
        }
        if name == "ids" && path.ends_with("/contains") {
            add(parameter, &json!({"required": true}));
        }
    }
    if let Some((required, body)) = body_of(path, method) {
        if let Some(request) = operation.get_mut("requestBody") {
            add(request, &json!({"required": required}));
        }
        if let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") {
            add(content, &json!({"schema": body}));
        }
    }
    let takes_ids = method == "get" && has_parameter(operation, "ids");
    if let Some(answer) = operation.pointer_mut("/responses/200/content/application~1json/schema") {
        match (method, path) {
            ("get", "/v1/me/player/devices") => *answer = of("PlayerDevices"),
            ("get", "/v1/me/player/queue") => *answer = of("PlayerQueue"),
            _ if takes_ids => *answer = with_ids(answer, path.trim_start_matches("/v1/")),
            _ => {}
        }
    }
}

/// The place of a property in the description.
fn pointer(schema: &str, field: &str) -> String {
    format!("/components/schemas/{schema}/properties/{field}")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}

fn entries(value: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    value.and_then(Value::as_object_mut).into_iter().flat_map(Map::iter_mut)
}

/// Adds keywords to a schema, in place of those it has.
fn add(schema: &mut Value, keywords: &Value) {
    if let (Some(schema), Some(keywords)) = (schema.as_object_mut(), keywords.as_object()) {
        schema.extend(keywords.clone());
    }
}

fn has_parameter(operation: &Value, name: &str) -> bool {
    operation["parameters"].as_array().is_some_and(|all| all.iter().any(|parameter| parameter["name"] == name))
}

/// Gives the ids among the properties of a schema, and of the schemas within it, their pattern.
fn ids_of(schema: &mut Value) {
    for (name, property) in entries(schema.get_mut("properties")) {
        let is_id = ["id", "user_id", "login_id", "added_by"].contains(&name.as_str());
        if is_id && property["type"] == "string" {
            add(property, &json!({"pattern": ID}));
        }
        ids_of(property);
    }
    if let Some(items) = schema.get_mut("items") {
        ids_of(items);
    }
    for part in list(schema.get_mut("allOf")) {
        ids_of(part);
    }
}

/// Schema, property, and what bounds it.
fn bounds_of_fields() -> Vec<(&'static str, &'static str, Value)> {
    let password = json!({"minLength": 8, "maxLength": 256});
    let tracks = json!({"minItems": 1, "maxItems": 100, "items": {"type": "string", "pattern": TRACK}});
    let role = json!({"enum": ["admin", "user", null]});
    let index = json!({"maximum": u32::MAX});
    vec![
        ("UserChange", "password", password.clone()),
        ("UserChange", "role", role),
        ("NewPassword", "new", password),
        ("DetailsBody", "name", json!({"minLength": 1, "maxLength": 200, "pattern": NOT_BLANK})),
        ("DetailsBody", "description", json!({"maxLength": 1000})),
        ("Added", "uris", tracks.clone()),
        ("Added", "position", index.clone()),
        ("Replaced", "uris", json!({"maxItems": 100, "items": {"type": "string", "pattern": TRACK}})),
        ("Replaced", "range_start", index.clone()),
        ("Replaced", "range_length", index.clone()),
        ("Replaced", "insert_before", index),
        ("Removed", "tracks", json!({"minItems": 1, "maxItems": 100})),
        ("RemovedTrack", "uri", json!({"pattern": TRACK})),
        ("DetailsBody", "collaborative", json!({"enum": [false, null]})),
    ]
}

/// What bounds a parameter.
fn bounds_of_parameter(path: &str, name: &str, place: &str) -> Option<Value> {
    match (path, name, place) {
        (_, "id", "path") | (_, "login" | "device_id", "query") | ("/v1/me/following", "after", _) => {
            Some(json!({"pattern": ID}))
        }
        (_, "ids", "query") => Some(json!({"pattern": ids(path)})),
        ("/v1/me/library" | "/v1/me/library/contains", "uris", _) => Some(json!({"pattern": SAVED})),
        ("/v1/me/following" | "/v1/me/following/contains", "type", _) => Some(json!({"enum": ["artist"]})),
        (_, "uri", "query") => Some(json!({"pattern": TRACK})),
        ("/v1/search", "type", _) => Some(json!({"pattern": TYPES})),
        ("/v1/search", "offset", _) => Some(json!({"maximum": 1000})),
        (_, "offset", "query") => Some(json!({"format": "int64", "maximum": u32::MAX})),
        ("/v1/me/player/queue", "limit", _) => {
            let most = format!("At most this many entries; of more than {PAGE_ITEMS} that many come.");
            Some(json!({"default": PAGE_ITEMS, "maximum": u64::MAX, "description": most}))
        }
        ("/v1/me/player/queue", "from", _) => Some(json!({"maximum": u64::MAX})),
        _ => None,
    }
}

/// The pattern of up to 50 ids, or URIs of things of one kind, with commas between them.
fn ids(path: &str) -> String {
    let kinds = [("/albums", "album"), ("/artists", "artist"), ("/following", "artist")];
    let kind = kinds.iter().find(|(part, _)| path.contains(part)).map_or("track", |(_, kind)| kind);
    let one = format!("((spotify|segue):{kind}:)?[0-9a-f]{{16}}");
    format!("^{one}(,{one}){{0,49}}$")
}

/// The answer of an address that takes `ids`: a page, or with `ids` an object with those alone, `null` for an unknown one.
fn with_ids(page: &Value, plural: &str) -> Value {
    let of_page = text(&page["$ref"]);
    let item = of_page.replace("Page_", "");
    if item == of_page {
        return page.clone();
    }
    let items = json!({"type": "array", "maxItems": 50, "items": {"anyOf": [{"$ref": item}, {"type": "null"}]}});
    let given = json!({"type": "object", "required": [plural], "properties": {plural: items},
        "description": "The answer to `ids`, in their order; `null` where there is none of that id."});
    json!({"oneOf": [page, given]})
}

fn of(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn whole() -> Value {
    json!({"type": "integer", "format": "int64"})
}

fn count() -> Value {
    json!({"type": "integer", "format": "int64", "minimum": 0})
}

fn id() -> Value {
    json!({"type": "string", "pattern": ID})
}

fn or_null(schema: Value) -> Value {
    let either = vec![schema, json!({"type": "null"})];
    json!({"anyOf": either})
}

fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn stamp(what: &str) -> Value {
    let description = format!("A stamp, `[epoch, revision]`: {what}.");
    let part = json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": 9_007_199_254_740_991_i64});
    json!({"type": "array", "items": part, "minItems": 2, "maxItems": 2, "description": description})
}

/// An object with these properties, of which those whose names end in `?` may be absent.
fn object(description: &str, properties: &[(&str, Value)]) -> Value {
    let plain = |name: &str| name.trim_end_matches('?').to_owned();
    let required: Vec<_> = properties.iter().filter(|(name, _)| !name.ends_with('?')).map(|(name, _)| *name).collect();
    let all: Map<String, Value> = properties.iter().map(|(name, schema)| (plain(name), schema.clone())).collect();
    json!({"type": "object", "description": description, "required": required, "properties": all})
}

/// The fields of a command's body: those of [`object`], the conditions, and no others.
fn body(description: &str, fields: &[(&str, Value)]) -> Value {
    let conditions = [
        ("if_item?", or_null(id())),
        ("if_queue_revision?", or_null(count())),
        ("if_lease?", or_null(stamp("the lease that the sender saw"))),
    ];
    let mut body = object(description, &[fields, &conditions].concat());
    add(&mut body, &json!({"additionalProperties": false}));
    body
}

/// Whether the body of a command must be there, and its schema.
fn body_of(path: &str, method: &str) -> Option<(bool, Value)> {
    let tracks = || json!({"type": "array", "items": id(), "maxItems": 10_000});
    let place = || json!({"type": "integer", "format": "int64", "description": "Milliseconds; held within the item."});
    let step = json!({"type": "integer", "minimum": i16::MIN, "maximum": i16::MAX});
    if (method, path) == ("post", "/v1/me/playlists") {
        let named = json!({"required": ["name"], "properties": {"name": {"type": "string"}}});
        return Some((true, json!({"allOf": [of("DetailsBody"), named]})));
    }
    let fields = match (method, path.strip_prefix("/v1/me/player/")?) {
        ("put", "play") => vec![
            ("item?", or_null(id())),
            ("tracks?", tracks()),
            ("start?", or_null(json!({"type": "integer", "minimum": 0, "maximum": 9_999}))),
            ("position_ms?", or_null(place())),
            ("on?", or_null(id())),
            ("uris?", json!({"type": "array", "items": {"type": "string", "pattern": TRACK}, "maxItems": 10_000})),
            ("context_uri?", json!({"type": "string", "pattern": CONTEXT})),
            ("offset?", json!({"type": "object", "description": "Where to begin: `position` (from 0) or `uri`."})),
        ],
        ("put", "seek") => vec![("position_ms", place())],
        ("put", "transfer") => vec![("to", id()), ("mode?", one_of(&["keep", "play", "pause"]))],
        ("put", "repeat") => vec![("mode", one_of(&["off", "one", "all"]))],
        ("put", "shuffle") => vec![("on", json!({"type": "boolean"}))],
        ("put", "rate") => vec![("rate", json!({"type": "number", "minimum": 0.25, "maximum": 4}))],
        ("put", "volume") => vec![
            ("device_id?", or_null(id())),
            ("level?", or_null(json!({"type": "integer", "minimum": 0, "maximum": 100}))),
            ("delta?", or_null(step)),
            ("muted?", or_null(json!({"type": "boolean"}))),
        ],
        ("put", "queue") => vec![("tracks", tracks())],
        ("post", "queue") => vec![("tracks", tracks()), ("after?", or_null(id())), ("before?", or_null(id()))],
        ("post", "queue/move") => vec![("item", id()), ("after?", or_null(id())), ("before?", or_null(id()))],
        ("post", "queue/remove") => vec![("items", json!({"type": "array", "items": id(), "maxItems": 500}))],
        ("put", "pause" | "stop") | ("post", "next" | "previous") | ("delete", "queue") => Vec::new(),
        _ => return None,
    };
    let is_required = fields.iter().any(|(name, _)| !name.ends_with('?'));
    let body = body("The fields of the command, and its conditions.", &fields);
    Some((is_required, if is_required { body } else { or_null(body) }))
}

/// Schemas that are whole here: a new account, and the objects that the player shows, as `actors/PROTOCOL.md` describes them.
fn whole_schemas() -> Vec<(&'static str, Value)> {
    let kinds = ["browser", "phone", "computer", "speaker", "terminal", "other"];
    let text = json!({"type": "string", "minLength": 1, "maxLength": NAME_CHARS});
    let truth = json!({"type": "boolean"});
    let item = object(
        "An entry of the queue.",
        &[("id", id()), ("kind", one_of(&["track", "episode"])), ("media_id", id()), ("duration_ms?", count())],
    );
    let volume = object(
        "The volume of a device.",
        &[
            ("level", json!({"type": "integer", "minimum": 0, "maximum": 100})),
            ("muted", truth.clone()),
            ("version", count()),
        ],
    );
    let device = object(
        "A device.",
        &[
            ("id", id()),
            ("name", text),
            ("kind", one_of(&kinds)),
            ("plays", truth.clone()),
            ("controls", truth),
            ("presence", one_of(&["online", "away"])),
            ("volume?", volume),
            ("since_us", whole()),
        ],
    );
    let devices = object(
        "All devices of the user.",
        &[("epoch", count()), ("devices_revision", count()), ("devices", json!({"type": "array", "items": device}))],
    );
    let queue = object(
        "A part of the queue, in play order.",
        &[
            ("epoch", count()),
            ("queue_revision", count()),
            ("from", count()),
            ("total", count()),
            ("items", json!({"type": "array", "items": of("PlayerItem"), "maxItems": PAGE_ITEMS})),
        ],
    );
    let state = object(
        "The state of playback and the devices. Fields `…_us` are microseconds of the server's clock.",
        &[("now_us", whole()), ("playback", of("PlayerPlayback")), ("devices", of("PlayerDevices"))],
    );
    let account = object(
        "An account to be made.",
        &[
            ("username", json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": USER_NAME})),
            ("password", json!({"type": "string", "minLength": 8, "maxLength": 256})),
            (
                "role?",
                json!({"type": ["string", "null"], "enum": ["admin", "user", null],
            "description": "`admin` or `user`; without it `user`."}),
            ),
        ],
    );
    vec![
        ("NewUser", account),
        ("PlayerItem", item),
        ("PlayerPlayback", playback()),
        ("PlayerDevices", devices),
        ("PlayerQueue", queue),
        ("PlayerState", state),
    ]
}

/// What plays.
fn playback() -> Value {
    let truth = json!({"type": "boolean"});
    let intents = one_of(&["play", "pause", "stop"]);
    let status = ["idle", "starting", "playing", "paused", "buffering", "blocked", "failed", "ended", "lost"];
    let active = object(
        "The device that may sound.",
        &[
            ("device_id", id()),
            ("instance", id()),
            ("lease", stamp("the grant")),
            ("from_us?", whole()),
            ("source?", id()),
        ],
    );
    let after = object(
        "A device that may still sound.",
        &[
            ("device_id", id()),
            ("instance", id()),
            ("lease", stamp("its lease")),
            ("since", stamp("the change that took the lease away")),
        ],
    );
    let transfer = object(
        "A transfer in preparation.",
        &[
            ("to", id()),
            ("instance", id()),
            ("lease?", stamp("the lease that the target will get")),
            ("deadline_us", whole()),
            ("switch_at_us?", whole()),
        ],
    );
    let given_up = object("The entry that was given up last.", &[("item", id()), ("device_id", id())]);
    let by = object("The command that made the last change.", &[("device_id", id()), ("command_id", id())]);
    object(
        "What plays.",
        &[
            ("epoch", count()),
            ("revision", count()),
            ("turn", stamp("the change that last set item, place, intent or rate")),
            ("intent", intents),
            ("status", one_of(&status)),
            ("item?", of("PlayerItem")),
            ("next?", of("PlayerItem")),
            ("position_ms", count()),
            ("at_us", whole()),
            ("rate", json!({"type": "number", "minimum": 0.25, "maximum": 4})),
            ("active?", active),
            ("after", json!({"type": "array", "items": after})),
            ("transfer?", transfer),
            ("repeat", one_of(&["off", "one", "all"])),
            ("shuffle", truth),
            ("queue_revision", count()),
            ("queue_length", count()),
            ("unplayable?", given_up),
            ("by?", by),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::openapi;

    #[test]
    fn what_is_completed_is_there() {
        let description: Value = serde_json::from_str(&openapi().expect("it is made")).expect("JSON");
        for (schema, field, bounds) in bounds_of_fields() {
            let property = description.pointer(&pointer(schema, field)).unwrap_or_else(|| panic!("{schema} {field}"));
            for (keyword, value) in bounds.as_object().expect("keywords") {
                assert_eq!(property[keyword], *value, "{schema} {field}");
            }
        }
        let id = &description["paths"]["/v1/tracks/{id}"]["get"]["parameters"][0]["schema"]["pattern"];
        assert_eq!(*id, ID);
        let commands = description["paths"].as_object().expect("paths").iter();
        let commands = commands.filter(|(path, _)| path.starts_with("/v1/me/player/"));
        let bodies = commands.flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |op| (path, op)));
        for (path, (method, operation)) in bodies.filter(|(_, (_, operation))| operation.get("requestBody").is_some()) {
            assert!(body_of(path, method).is_some(), "{method} {path} has a body without fields: {operation}");
        }
    }
}
