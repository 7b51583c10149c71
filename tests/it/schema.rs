//! Checks that `src/db/schema.rs` equals the tables of both migrated databases. `UPDATE_EXPECT=1` writes it.

use crate::harness::{Dialect, TestDatabase};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_types::Text};
use expect_test::expect_file;
use std::{collections::BTreeMap, fmt::Write as _};

/// One column of one table.
#[derive(QueryableByName)]
#[expect(clippy::struct_field_names, reason = "SQL has taken the short ones")]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    /// `NO` or `YES`.
    #[diesel(sql_type = Text)]
    nullable: String,
    /// The position in the primary key as text; `0` when it is not part of the key.
    #[diesel(sql_type = Text)]
    key: String,
    /// The table that a foreign key of only this column refers to; empty without one.
    #[diesel(sql_type = Text)]
    parent: String,
}

const SQLITE: &str = r#"
    SELECT t.name AS table_name, c.name AS column_name, lower(c.type) AS kind,
        CASE WHEN c."notnull" THEN 'NO' ELSE 'YES' END AS nullable, CAST(c.pk AS TEXT) AS key,
        coalesce((SELECT f."table" FROM pragma_foreign_key_list(t.name) f WHERE f."from" = c.name), '') AS parent
    FROM sqlite_schema t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> '__diesel_schema_migrations'
    ORDER BY t.name, c.cid"#;

const POSTGRES: &str = r"
    SELECT c.relname::text AS table_name, a.attname::text AS column_name, format_type(a.atttypid, a.atttypmod) AS kind,
        CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS nullable,
        coalesce((SELECT array_position(p.conkey, a.attnum)::text FROM pg_constraint p
            WHERE p.conrelid = c.oid AND p.contype = 'p'), '0') AS key,
        coalesce((SELECT f.confrelid::regclass::text FROM pg_constraint f
            WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]), '') AS parent
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> '__diesel_schema_migrations'
    ORDER BY c.relname::text COLLATE ucs_basic, a.attnum";

fn columns(database: &TestDatabase) -> Vec<Column> {
    let loaded = match database.dialect {
        Dialect::Sqlite => {
            let path = database.folder.path().join("segue.db");
            let mut connection = SqliteConnection::establish(&path.to_string_lossy()).expect("the file is there");
            diesel::sql_query(SQLITE).load(&mut connection)
        }
        Dialect::Postgres => {
            let mut connection = PgConnection::establish(&database.url).expect("the cluster answers");
            diesel::sql_query(POSTGRES).load(&mut connection)
        }
    };
    loaded.expect("the catalogue of the database can be read")
}

/// The schema in the syntax of diesel's `table!`.
fn render(columns: &[Column]) -> String {
    let mut tables = BTreeMap::<&str, Vec<&Column>>::new();
    for column in columns {
        tables.entry(&column.table_name).or_default().push(column);
    }
    let mut text =
        "//! The tables of both databases; written by the test `schema` from the migrated databases.\n".to_owned();
    for (table, columns) in &tables {
        let mut key: Vec<_> = columns.iter().filter(|column| column.key != "0").collect();
        key.sort_by_key(|column| column.key.parse::<u32>().expect("a place"));
        let key: Vec<_> = key.iter().map(|column| column.column_name.as_str()).collect();
        writeln!(text, "\ndiesel::table! {{\n    {table} ({}) {{", key.join(", ")).expect("text grows");
        for column in columns {
            let kind = match column.kind.as_str() {
                "bigint" => "BigInt",
                "text" => "Text",
                "double precision" => "Double",
                "boolean" => "Bool",
                "blob" | "bytea" => "Binary",
                other => panic!("{table}.{}: {other} is not a type that both databases share", column.column_name),
            };
            let kind = if column.nullable == "YES" { format!("Nullable<{kind}>") } else { kind.to_owned() };
            writeln!(text, "        {} -> {kind},", column.column_name).expect("text grows");
        }
        text.push_str("    }\n}\n");
    }
    text.push('\n');
    for (table, columns) in &tables {
        let parents: Vec<_> = columns.iter().filter(|column| !column.parent.is_empty()).collect();
        for column in &parents {
            // Diesel joins two tables by one foreign key. When there are several, each query names the columns.
            if parents.iter().filter(|other| other.parent == column.parent).count() == 1 && column.parent != *table {
                writeln!(text, "diesel::joinable!({table} -> {} ({}));", column.parent, column.column_name)
                    .expect("text grows");
            }
        }
    }
    let names: Vec<_> = tables.keys().map(|name| format!("    {name},\n")).collect();
    write!(text, "\ndiesel::allow_tables_to_appear_in_same_query! {{\n{}}}\n", names.concat()).expect("text grows");
    text
}

#[test]
fn schema_equals_the_tables_of_both_databases() {
    let postgres = render(&columns(&TestDatabase::new(Dialect::Postgres)));
    let sqlite = render(&columns(&TestDatabase::new(Dialect::Sqlite)));
    assert_eq!(sqlite, postgres, "the migrations of the two databases differ (left: SQLite)");
    expect_file!["../../src/db/schema.rs"].assert_eq(&postgres);
}
