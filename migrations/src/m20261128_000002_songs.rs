//! The catalogue of songs, and the tables that it is searched by.
//!
//! The same plain tables on both databases, rather than `pg_trgm` and FTS5: no extension that a role may not create, one
//! set of rules, and less time per query (docs/decisions has the figures). Text that is compared or walked through in
//! order is compared by bytes on PostgreSQL too, whatever the database's collation.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DbBackend};

use crate::schema::{drop_tables, index, moment, moment_null, reference, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        manager.create_table(songs(backend)).await?;
        manager.create_index(unique_index("songs", &["sha256"])).await?;
        manager.create_index(index("songs", &["title_key", "id"])).await?;
        manager.create_index(index("songs", &["match_key"])).await?;
        // Imports and removals that did not come to their end.
        // Of those alone: SQLite would take an index of all to find the ones that are not hidden, which is every song.
        let hidden = "CREATE INDEX songs_hidden_at_idx ON songs (hidden_at) WHERE hidden_at IS NOT NULL";
        manager.get_connection().execute_unprepared(hidden).await?;
        manager.create_table(song_terms(backend)).await?;
        manager.create_index(index("song_terms", &["term", "words", "song_id"])).await?;
        manager.create_table(search_words(backend)).await?;
        manager.create_table(search_grams(backend)).await
    }

    /// The rows go; the songs' objects stay in the object store under `songs/`.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["search_grams", "search_words", "song_terms", "songs"]).await
    }
}

/// Text in the order of its bytes.
fn bytewise(backend: DbBackend, name: &'static str) -> ColumnDef {
    let mut column = text(name);
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

fn songs(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("songs")
        .col(pk_uuid("id"))
        .col(text("title"))
        .col(text_null("artist"))
        // What is compared: lower case, without accents and punctuation.
        .col(bytewise(backend, "title_key"))
        .col(bytewise(backend, "artist_key"))
        // The words of title and artist together, sorted.
        .col(bytewise(backend, "match_key"))
        .col(text("sha256"))
        .col(text("object_key"))
        .col(big_integer("size_bytes"))
        .col(json_binary("facts"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        // Set until its object is written, and again before it is removed: such a row is there for nobody.
        .col(moment_null("hidden_at"))
        .take()
}

/// Which words, and which pairs of neighbouring words written as one, a song has.
fn song_terms(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("song_terms")
        .col(uuid("song_id"))
        .col(bytewise(backend, "term"))
        // How many words the song's title and artist have: those with few are found first.
        .col(integer("words"))
        .primary_key(Index::create().col("song_id").col("term"))
        .foreign_key(&mut reference("song_terms", "song_id", "songs", ForeignKeyAction::Cascade))
        .take()
}

/// Every word of the catalogue and how many songs have it; the empty word counts all songs.
fn search_words(backend: DbBackend) -> TableCreateStatement {
    let mut word = bytewise(backend, "word");
    Table::create().table("search_words").col(word.primary_key()).col(big_integer("songs")).take()
}

/// Runs of three letters and the words that have them, for words with typing errors.
fn search_grams(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("search_grams")
        .col(bytewise(backend, "gram"))
        // Letters of the word.
        .col(integer("letters"))
        .col(bytewise(backend, "word"))
        .primary_key(Index::create().col("gram").col("letters").col("word"))
        .take()
}
