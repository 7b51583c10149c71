//! The functions of libpq that diesel calls (postgresql.org, "libpq — C Library"), and [`take_sqlstate`].
//!
//! Names are libpq's, and so are the meanings of arguments and results.
#![allow(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    clippy::missing_safety_doc,
    clippy::upper_case_acronyms,
    reason = "the names and the contracts are libpq's"
)]

extern crate pq_src;

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_int, c_uint, c_void},
};

/// The id of an object in PostgreSQL's catalogue.
pub type Oid = c_uint;

/// A connection.
#[repr(C)]
pub struct pg_conn {
    opaque: [u8; 0],
}

/// A connection, by libpq's other name.
pub type PGconn = pg_conn;

/// The result of a statement.
#[repr(C)]
pub struct pg_result {
    opaque: [u8; 0],
}

/// The result of a statement, by libpq's other name.
pub type PGresult = pg_result;

/// A notification of `NOTIFY`.
#[repr(C)]
pub struct pgNotify {
    /// The channel.
    pub relname: *mut c_char,
    /// The process id of the server process that sent it.
    pub be_pid: c_int,
    /// The payload.
    pub extra: *mut c_char,
    /// Used by libpq alone.
    pub next: *mut pgNotify,
}

/// A notification, by libpq's other name.
pub type PGnotify = pgNotify;

/// What is called with each notice of the server.
pub type PQnoticeProcessor = Option<unsafe extern "C" fn(arg: *mut c_void, message: *const c_char)>;

macro_rules! states {
    ($(#[doc = $doc:literal] $name:ident { $($state:ident = $number:literal,)+ })+) => {$(
        #[doc = $doc]
        #[repr(u32)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "libpq's manual explains them")]
        pub enum $name { $($state = $number,)+ }
    )+};
}

states! {
    #[doc = "The state of a connection."]
    ConnStatusType {
        CONNECTION_OK = 0,
        CONNECTION_BAD = 1,
        CONNECTION_STARTED = 2,
        CONNECTION_MADE = 3,
        CONNECTION_AWAITING_RESPONSE = 4,
        CONNECTION_AUTH_OK = 5,
        CONNECTION_SETENV = 6,
        CONNECTION_SSL_STARTUP = 7,
        CONNECTION_NEEDED = 8,
        CONNECTION_CHECK_WRITABLE = 9,
        CONNECTION_CONSUME = 10,
        CONNECTION_GSS_STARTUP = 11,
        CONNECTION_CHECK_TARGET = 12,
        CONNECTION_CHECK_STANDBY = 13,
        CONNECTION_ALLOCATED = 14,
        CONNECTION_AUTHENTICATING = 15,
    }
    #[doc = "The kind of a result."]
    ExecStatusType {
        PGRES_EMPTY_QUERY = 0,
        PGRES_COMMAND_OK = 1,
        PGRES_TUPLES_OK = 2,
        PGRES_COPY_OUT = 3,
        PGRES_COPY_IN = 4,
        PGRES_BAD_RESPONSE = 5,
        PGRES_NONFATAL_ERROR = 6,
        PGRES_FATAL_ERROR = 7,
        PGRES_COPY_BOTH = 8,
        PGRES_SINGLE_TUPLE = 9,
        PGRES_PIPELINE_SYNC = 10,
        PGRES_PIPELINE_ABORTED = 11,
        PGRES_TUPLES_CHUNK = 12,
    }
    #[doc = "Whether a connection is in a transaction."]
    PGTransactionStatusType {
        PQTRANS_IDLE = 0,
        PQTRANS_ACTIVE = 1,
        PQTRANS_INTRANS = 2,
        PQTRANS_INERROR = 3,
        PQTRANS_UNKNOWN = 4,
    }
}

/// libpq's names for the functions below that are not called as they are.
mod libpq {
    use super::{PGresult, c_char, c_int};

    unsafe extern "C" {
        pub(super) fn PQresultErrorField(res: *const PGresult, fieldcode: c_int) -> *mut c_char;
    }
}

#[allow(missing_docs, reason = "libpq's manual explains them")]
unsafe extern "C" {
    pub fn PQconnectdb(conninfo: *const c_char) -> *mut PGconn;
    pub fn PQfinish(conn: *mut PGconn);
    pub fn PQstatus(conn: *const PGconn) -> ConnStatusType;
    pub fn PQtransactionStatus(conn: *const PGconn) -> PGTransactionStatusType;
    pub fn PQerrorMessage(conn: *const PGconn) -> *mut c_char;
    pub fn PQsetNoticeProcessor(conn: *mut PGconn, proc_: PQnoticeProcessor, arg: *mut c_void) -> PQnoticeProcessor;
    pub fn PQexec(conn: *mut PGconn, query: *const c_char) -> *mut PGresult;
    pub fn PQprepare(
        conn: *mut PGconn,
        stmtName: *const c_char,
        query: *const c_char,
        nParams: c_int,
        paramTypes: *const Oid,
    ) -> *mut PGresult;
    pub fn PQsendQueryParams(
        conn: *mut PGconn,
        command: *const c_char,
        nParams: c_int,
        paramTypes: *const Oid,
        paramValues: *const *const c_char,
        paramLengths: *const c_int,
        paramFormats: *const c_int,
        resultFormat: c_int,
    ) -> c_int;
    pub fn PQsendQueryPrepared(
        conn: *mut PGconn,
        stmtName: *const c_char,
        nParams: c_int,
        paramValues: *const *const c_char,
        paramLengths: *const c_int,
        paramFormats: *const c_int,
        resultFormat: c_int,
    ) -> c_int;
    pub fn PQsetSingleRowMode(conn: *mut PGconn) -> c_int;
    pub fn PQgetResult(conn: *mut PGconn) -> *mut PGresult;
    pub fn PQconsumeInput(conn: *mut PGconn) -> c_int;
    pub fn PQnotifies(conn: *mut PGconn) -> *mut PGnotify;
    pub fn PQputCopyData(conn: *mut PGconn, buffer: *const c_char, nbytes: c_int) -> c_int;
    pub fn PQputCopyEnd(conn: *mut PGconn, errormsg: *const c_char) -> c_int;
    pub fn PQgetCopyData(conn: *mut PGconn, buffer: *mut *mut c_char, async_: c_int) -> c_int;
    pub fn PQfreemem(ptr: *mut c_void);
    pub fn PQclear(res: *mut PGresult);
    pub fn PQresultStatus(res: *const PGresult) -> ExecStatusType;
    pub fn PQresultErrorMessage(res: *const PGresult) -> *mut c_char;
    pub fn PQcmdTuples(res: *mut PGresult) -> *mut c_char;
    pub fn PQntuples(res: *const PGresult) -> c_int;
    pub fn PQnfields(res: *const PGresult) -> c_int;
    pub fn PQfname(res: *const PGresult, field_num: c_int) -> *mut c_char;
    pub fn PQftype(res: *const PGresult, field_num: c_int) -> Oid;
    pub fn PQgetvalue(res: *const PGresult, tup_num: c_int, field_num: c_int) -> *mut c_char;
    pub fn PQgetlength(res: *const PGresult, tup_num: c_int, field_num: c_int) -> c_int;
    pub fn PQgetisnull(res: *const PGresult, tup_num: c_int, field_num: c_int) -> c_int;
}

/// The code of an error: five letters or digits (postgresql.org, "PostgreSQL Error Codes").
pub type SqlState = [u8; 5];

thread_local! {
    static LAST: Cell<Option<SqlState>> = const { Cell::new(None) };
}

/// `PG_DIAG_SQLSTATE`.
const SQLSTATE: u8 = b'C';

/// libpq's function; when it is asked for an error's SQLSTATE, the answer is remembered for this thread.
pub unsafe extern "C" fn PQresultErrorField(res: *const PGresult, fieldcode: c_int) -> *mut c_char {
    // SAFETY: the caller keeps libpq's contract.
    let field = unsafe { libpq::PQresultErrorField(res, fieldcode) };
    if fieldcode == c_int::from(SQLSTATE) {
        // SAFETY: a field that is not null is a C string, which lives as long as the result.
        let code = (!field.is_null()).then(|| unsafe { CStr::from_ptr(field) });
        LAST.set(code.and_then(|code| code.to_bytes().try_into().ok()));
    }
    field
}

/// The SQLSTATE of the last error that was looked at on this thread, once; `None` for an error without one, such as a
/// connection that broke.
#[must_use]
pub fn take_sqlstate() -> Option<SqlState> {
    LAST.take()
}
