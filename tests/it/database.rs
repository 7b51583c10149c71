//! The database handle: migrations, transactions, read-only transactions, panics.

use crate::harness::{Dialect, TestDatabase};
use diesel::{Connection as _, ExpressionMethods as _, RunQueryDsl as _, SqliteConnection, sql_query};
use segue::db::{
    Db, DbConnection, DbError, migrate,
    sessions::{NewSession, SessionBatch},
};
use segue_client::protocol::ids::{Stamp, UserId};

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

fn add(connection: &mut DbConnection, name: &str) -> Result<(), DbError> {
    sql_query(format!("INSERT INTO secrets (name, value) VALUES ('{name}', '')")).execute(connection)?;
    Ok(())
}

fn count(connection: &mut DbConnection) -> Result<i64, DbError> {
    Ok(sql_query("SELECT count(*) AS count FROM secrets").get_result::<Count>(connection)?.count)
}

async fn counted(db: &Db) -> i64 {
    db.read(count).await.expect("reading works")
}

/// Inserts two rows in one statement, and two with a column of which one has the default: diesel begins a transaction of its
/// own for these on SQLite.
fn add_many(connection: &mut DbConnection, name: &str) -> Result<(), DbError> {
    use segue::db::schema::{folders, secrets};
    let plain: Vec<_> =
        ["1", "2"].iter().map(|end| (secrets::name.eq(format!("{name} {end}")), secrets::value.eq(""))).collect();
    let with_default: Vec<_> = [(Some(1), 1_000), (None, 2_000)]
        .iter()
        .map(|(cover, id)| {
            let id = id + i64::try_from(name.len()).unwrap_or(0) * 100 + i64::from(name.ends_with('b'));
            let size = (folders::cover_size.eq(0), folders::cover_mtime_ns.eq(0));
            let path = format!("/{name}/{id}").into_bytes();
            (folders::id.eq(id), folders::path.eq(path), size, cover.map(|cover| folders::cover_id.eq(cover)))
        })
        .collect();
    macro_rules! insert {
        ($connection:expr) => {{
            diesel::insert_into(secrets::table).values(&plain).execute($connection)?;
            diesel::insert_into(folders::table).values(&with_default).execute($connection)?;
        }};
    }
    match connection {
        DbConnection::Sqlite(sqlite) => insert!(sqlite),
        DbConnection::Postgres(postgres) => insert!(postgres),
    }
    Ok(())
}

on_both_databases! {
    async fn rows_are_inserted_together_within_each_kind_of_transaction(database) {
        let db = database.open();
        let change = NewSession {
            user: UserId(1),
            expected: None,
            stamp: Stamp { epoch: 1, revision: 1 },
            record: "{}".to_owned(),
            queue: Some((1, "{}".to_owned())),
        };
        let batch = SessionBatch { sessions: vec![change], plays: Vec::new() };
        for name in ["a", "b"] {
            db.write_batch_blocking(&batch).expect("a batch of sessions is a transaction of its own");
            db.write(move |connection| add_many(connection, name)).await.expect("a write");
            db.write_batch_blocking(&batch).expect("and so is the next one");
            let lazily = format!("lazily {name}");
            let undone = db.write(|connection| { add_many(connection, "undone")?; Err::<(), _>(DbError::Busy) }).await;
            assert!(matches!(undone, Err(DbError::Busy)), "{undone:?}");
            db.write_lazily(move |connection| add_many(connection, &lazily)).await.expect("a write that waits for no disk");
        }
        assert_eq!(counted(&db).await, 8);
    }

    async fn a_write_is_one_transaction(database) {
        let db = database.open();
        db.write(|connection| add(connection, "a")).await.expect("writing works");
        let failed = db.write(|connection| { add(connection, "b")?; add(connection, "a") }).await;
        assert!(failed.as_ref().is_err_and(|error| error.is_duplicate() && !error.is_transient()), "{failed:?}");
        assert_eq!(counted(&db).await, 1);
        db.write(|connection| add(connection, "b")).await.expect("the failed one is over");
        assert_eq!(counted(&db).await, 2);
    }

    async fn a_panic_rolls_back_and_the_handle_goes_on(database) {
        let db = database.open();
        for _ in 0..6 {
            let outcome = db.write(|connection| { add(connection, "a")?; panic!("on purpose") }).await;
            assert!(matches!(outcome, Err::<(), _>(DbError::Panicked)));
        }
        assert_eq!(counted(&db).await, 0);
        db.write(|connection| add(connection, "a")).await.expect("writing works");
    }

    async fn a_reader_sees_one_snapshot_and_may_not_write(database) {
        let db = database.open();
        let other = db.clone();
        let counts = db.read(move |connection| {
            let before = count(connection)?;
            other.write_blocking(|connection| add(connection, "a"))?;
            Ok((before, count(connection)?))
        });
        assert_eq!(counts.await.expect("reading works"), (0, 0));
        assert!(db.read(|connection| add(connection, "b")).await.is_err());
        assert_eq!(counted(&db).await, 1);
    }

    async fn writers_take_turns(database) {
        let db = database.open();
        let all = (0..40).map(|number| {
            let db = db.clone();
            async move { db.write(move |connection| { count(connection)?; add(connection, &number.to_string()) }).await }
        });
        for outcome in futures_util::future::join_all(all).await {
            outcome.expect("each waits for its turn");
        }
        assert_eq!(counted(&db).await, 40);
    }

    async fn a_newer_database_is_refused(database) {
        let db = database.open();
        let version = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')";
        db.write(move |connection| Ok(sql_query(version).execute(connection)?)).await.expect("writing works");
        let refused = migrate(&database.parsed());
        assert!(matches!(&refused, Err(DbError::Newer(version)) if version == "29991231235959"), "{refused:?}");
    }
}

#[test]
fn several_processes_can_migrate_at_the_same_time() {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let database = TestDatabase::empty(dialect);
        let url = database.parsed();
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..4).map(|_| scope.spawn(|| migrate(&url))).collect();
            for one in all {
                one.join().expect("no panic").expect("each waits for the others");
            }
        });
        database.open().read_blocking(count).expect("the tables are there");
    }
}

#[test]
fn migrations_can_be_reverted_and_applied_again() {
    use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let database = TestDatabase::new(dialect);
        let folder = |name: &str| {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(name);
            FileBasedMigrations::from_path(path).expect("the migrations are there")
        };
        database
            .open()
            .write_blocking(|connection| {
                let reverted = match connection {
                    DbConnection::Sqlite(sqlite) => sqlite.revert_all_migrations(folder("sqlite")).map(|all| all.len()),
                    DbConnection::Postgres(postgres) => {
                        postgres.revert_all_migrations(folder("postgres")).map(|all| all.len())
                    }
                };
                assert!(reverted.expect("each has a way back") > 0);
                Ok(())
            })
            .expect("the way back is one transaction");
        migrate(&database.parsed()).expect("and forth again");
    }
}

#[test]
fn an_unreachable_database_is_a_transient_error() {
    let refused = migrate(&"postgres://127.0.0.1:1/x?connect_timeout=2".parse().expect("a good URL"));
    assert!(refused.as_ref().is_err_and(DbError::is_transient), "{refused:?}");
}

#[actix_web::test]
async fn sqlite_waits_for_the_disk_except_in_lazy_writes() {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        synchronous: i32,
    }
    fn level(connection: &mut DbConnection) -> Result<i32, DbError> {
        Ok(sql_query("PRAGMA synchronous").get_result::<Row>(connection)?.synchronous)
    }
    const NORMAL: i32 = 1;
    const FULL: i32 = 2;
    let database = TestDatabase::new(Dialect::Sqlite);
    let db = database.open();
    assert_eq!(db.write(level).await.ok(), Some(FULL));
    for _ in 0..2 {
        assert_eq!(db.write_lazily(level).await.ok(), Some(NORMAL));
        assert_eq!(db.write(level).await.ok(), Some(FULL));
    }
}

/// Without `.cargo/config.toml` SQLite would be built as its crate builds it.
#[test]
fn sqlite_is_built_as_the_repository_says() {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        compile_options: String,
    }
    let mut memory = SqliteConnection::establish(":memory:").expect("it opens");
    let options: Vec<Row> = sql_query("PRAGMA compile_options").load(&mut memory).expect("it answers");
    let has = |name: &str| options.iter().any(|option| option.compile_options == name);
    assert!(has("ENABLE_QPSG") && has("DEFAULT_MEMSTATUS=0") && !has("ENABLE_MEMORY_MANAGEMENT"));
}
