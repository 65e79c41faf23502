//! Words that every migration uses. Only adds names to what sea-query already builds; changing what a function here
//! produces would change migrations that have shipped, so a new need gets a new function.

use sea_orm_migration::prelude::*;

/// A moment, UTC, microseconds. PostgreSQL `timestamptz`; SQLite text in RFC 3339, which sorts as the moments do.
pub fn moment(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().not_null().take()
}

pub fn moment_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().null().take()
}

/// A counter or a size that starts at `start`.
pub fn count(name: &'static str, start: i64) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().default(start).take()
}

/// An index over columns, in order. Its name is the table's and the columns'.
pub fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut statement = Index::create().name(index_name(table, columns)).table(table).take();
    for column in columns {
        statement.col(*column);
    }
    statement
}

pub fn unique_index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().take()
}

fn index_name(table: &str, columns: &[&str]) -> String {
    format!("{table}_{}_idx", columns.join("_"))
}

/// A reference to another table's `id`.
pub fn reference(
    table: &'static str,
    column: &'static str,
    target: &'static str,
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("{table}_{column}_fkey"))
        .from(table, column)
        .to(target, "id")
        .on_delete(on_delete)
        .take()
}

/// Drops tables in the order given: whoever refers goes before what it refers to.
pub async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).take()).await?;
    }
    Ok(())
}
