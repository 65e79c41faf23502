//! Imports of songs that something else overtakes: a sweep that took them for dead, the end of the time that whoever asked
//! waits, and lists of names without end.

use std::{
    fs::File,
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use blob_store::{BlobError, BlobStore, ByteRange, ByteStream, Head, KeyPrefix, Listed, Object, ObjectKey, Stored};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{SongOutcome, SongReport};
use futures_util::future::BoxFuture;
use persistence::Database;
use resilience::Clock;
use storage::songs::{Catalogue, ImportLimits, Source, Wishes};
use testbed::eventually;

use crate::{
    songs_bytes::{midi, zip_of},
    support::Harness,
};

fn file(name: &str, bytes: &[u8]) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Source::File { name: name.to_owned(), file }
}

/// `file: outcome`, the outcome being the song's title, or a refusal's code.
fn lines(report: &SongReport) -> Vec<String> {
    let outcome = |outcome: &SongOutcome| match outcome {
        SongOutcome::Imported { title, .. } => title.clone(),
        SongOutcome::Known { title, .. } => format!("known as {title}"),
        SongOutcome::Refused { code, .. } => code.clone(),
    };
    report.files.iter().map(|line| format!("{}: {}", line.file, outcome(&line.outcome))).collect()
}

/// A store in which something happens just before the first object is written.
struct Overtaken {
    inner: Arc<dyn BlobStore>,
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
}

#[async_trait]
impl BlobStore for Overtaken {
    async fn put_bytes(&self, key: &ObjectKey, bytes: Bytes, media_type: &str) -> Result<Stored, BlobError> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        self.inner.put_bytes(key, bytes, media_type).await
    }

    async fn put(&self, key: &ObjectKey, body: ByteStream, kind: &str, limit: u64) -> Result<Stored, BlobError> {
        self.inner.put(key, body, kind, limit).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Object, BlobError> {
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Head, BlobError> {
        self.inner.head(key).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), BlobError> {
        self.inner.delete(key).await
    }

    async fn delete_prefix(&self, prefix: &KeyPrefix) -> Result<u64, BlobError> {
        self.inner.delete_prefix(prefix).await
    }

    async fn list(&self, prefix: &KeyPrefix, after: Option<&ObjectKey>, most: usize) -> Result<Vec<Listed>, BlobError> {
        self.inner.list(prefix, after, most).await
    }

    async fn presign_get(
        &self,
        key: &ObjectKey,
        expires: Duration,
        file_name: &str,
        media_type: &str,
    ) -> Result<Option<url::Url>, BlobError> {
        self.inner.presign_get(key, expires, file_name, media_type).await
    }

    async fn fetch_to_file(&self, key: &ObjectKey, limit_bytes: u64) -> Result<File, BlobError> {
        self.inner.fetch_to_file(key, limit_bytes).await
    }

    async fn delete_unfinished(&self, before: DateTime<Utc>) -> Result<u64, BlobError> {
        self.inner.delete_unfinished(before).await
    }

    async fn health(&self) -> Result<(), BlobError> {
        self.inner.health().await
    }
}

/// The first half of what a sweep does to an import that it takes for dead. Gives back the row.
async fn condemned(database: &Database, objects: &Arc<dyn BlobStore>) -> persistence::Song {
    let now = Utc::now();
    let claimed = database.songs().claim_abandoned(now + TimeDelta::hours(1), 10, now).await.unwrap();
    let [song] = &claimed[..] else { panic!("{claimed:?}") };
    objects.delete(&song.object_key.parse().unwrap()).await.unwrap();
    song.clone()
}

/// Imports one song while `meanwhile` happens. Whatever that is, there is one song afterwards, and its object.
async fn imported_while(harness: &Harness, meanwhile: BoxFuture<'static, ()>) -> (u32, u32, u32) {
    let objects = Arc::new(Overtaken { inner: harness.objects.clone(), meanwhile: Mutex::new(Some(meanwhile)) });
    let limits = ImportLimits::default();
    let whole = Catalogue::new(harness.database.clone(), objects.clone(), harness.clock.clone(), limits, 1);
    let report = whole.import(vec![file("a.mid", &midi(1, ""))], Wishes::default(), |_| ()).await.unwrap();
    assert!(objects.meanwhile.lock().unwrap().is_none(), "it was overtaken");
    let songs = harness.database.songs().list(None, 10).await.unwrap().songs;
    let listed = harness.objects.list(&KeyPrefix::all(), None, 10).await.unwrap();
    assert_eq!((songs.len(), listed.len()), (1, 1), "{:?}: {listed:?}", lines(&report));
    assert_eq!(songs[0].object_key, listed[0].key.to_string());
    assert_eq!(
        harness.database.songs().claim_abandoned(Utc::now() + TimeDelta::hours(1), 10, Utc::now()).await.unwrap(),
        []
    );
    report.counts()
}

#[tokio::test]
async fn a_song_whose_row_was_taken_meanwhile_is_no_object_without_a_row() {
    let harness = Harness::open().await;
    let (database, objects) = (harness.database.clone(), harness.objects.clone());
    let swept = async move {
        let song = condemned(&database, &objects).await;
        database.songs().remove(song.id).await.unwrap();
    };
    assert_eq!(imported_while(&harness, Box::pin(swept)).await, (1, 0, 0));

    // The sweep forgets the row only when the object that it deleted has been written again.
    let harness = Harness::open().await;
    let (database, objects) = (harness.database.clone(), harness.objects.clone());
    let half_swept = async move {
        let song = condemned(&database, &objects).await;
        tokio::spawn(async move {
            let key: ObjectKey = song.object_key.parse().unwrap();
            eventually("the object to be written", Duration::from_secs(20), || async {
                objects.head(&key).await.map_err(|error| error.to_string())
            })
            .await;
            database.songs().remove(song.id).await.unwrap();
        });
    };
    assert_eq!(imported_while(&harness, Box::pin(half_swept)).await, (1, 0, 0));

    // Somebody else imports the same bytes behind the sweep: the song is theirs.
    let harness = Harness::open().await;
    let (database, objects, clock) = (harness.database.clone(), harness.objects.clone(), harness.clock.clone());
    let taken_over = async move {
        let song = condemned(&database, &objects).await;
        database.songs().remove(song.id).await.unwrap();
        let other = Catalogue::new(database, objects, clock, ImportLimits::default(), 1);
        let report = other.import(vec![file("b.mid", &midi(1, ""))], Wishes::default(), |_| ()).await.unwrap();
        assert_eq!(report.counts(), (1, 0, 0));
    };
    assert_eq!(imported_while(&harness, Box::pin(taken_over)).await, (0, 1, 0));
}

#[tokio::test]
async fn an_import_ends_with_the_time_of_whoever_waits_for_it() {
    let harness = Harness::open().await;
    let (database, objects, clock) = (harness.database.clone(), harness.objects.clone(), harness.clock.clone());
    let ends_at = clock.now() + TimeDelta::minutes(4);
    let whole = Catalogue::new(database, objects, clock, ImportLimits::default(), 1).until(Some(ends_at));
    let songs: Vec<(String, Vec<u8>)> = (1..=20).map(|n| (format!("{n:02}.mid"), midi(n, ""))).collect();
    let songs: Vec<(&str, Vec<u8>)> = songs.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let archive = zip_of(&songs);
    let time_passes = |_: &_| {
        harness.clock.advance(TimeDelta::minutes(2));
    };
    let report = whole.import(vec![file("a.zip", &archive)], Wishes::default(), time_passes).await.unwrap();
    assert_eq!(lines(&report), ["a.zip/01.mid: 01", "a.zip/02.mid: 02", "a.zip/03.mid: no_time"]);
    assert_eq!(harness.database.songs().list(None, 100).await.unwrap().songs.len(), 2, "nothing goes on unseen");

    // A repeat goes on where it ended.
    let later = whole.until(Some(harness.clock.now() + TimeDelta::hours(1)));
    let report = later.import(vec![file("a.zip", &archive)], Wishes::default(), |_| ()).await.unwrap();
    assert_eq!(report.counts(), (18, 2, 0));
}

#[tokio::test]
async fn lists_of_names_are_bounded_together_and_what_is_left_out_is_said() {
    let harness = Harness::open().await;
    let limits = ImportLimits { lists_bytes: 300, lists: 3, listed: 6, ..ImportLimits::default() };
    let list = |from: u8, lines: u8| -> Vec<u8> {
        let lines: String = (from..from + lines).map(|n| format!("{n}.mid,Listed {n}\n")).collect();
        format!("file,title\n{lines}").into_bytes()
    };
    let import = async |entries: &[(&str, Vec<u8>)]| {
        let (database, objects, clock) = (harness.database.clone(), harness.objects.clone(), harness.clock.clone());
        let whole = Catalogue::new(database, objects, clock, limits, 1);
        let report = whole.import(vec![file("a.zip", &zip_of(entries))], Wishes::default(), |_| ()).await.unwrap();
        lines(&report)
    };
    let song = |n: u8| midi(n, "");
    // Seven names are one too many together, though neither list is too long.
    let names = [("1.csv", list(1, 4)), ("2.csv", list(5, 3)), ("1.mid", song(1)), ("5.mid", song(5))];
    assert_eq!(import(&names).await, ["a.zip/2.csv: lists_too_large", "a.zip/1.mid: Listed 1", "a.zip/5.mid: 5"]);
    let blank = |bytes| [list(11, 1), vec![b'\n'; bytes]].concat();
    let bytes = [("1.csv", blank(120)), ("2.csv", blank(120)), ("3.csv", blank(120)), ("11.mid", song(11))];
    assert_eq!(import(&bytes).await, ["a.zip/3.csv: lists_too_large", "a.zip/11.mid: Listed 11"]);
    let one = [("1.csv", blank(400)), ("12.mid", song(12))];
    assert_eq!(import(&one).await, ["a.zip/1.csv: lists_too_large", "a.zip/12.mid: 12"]);
    let many = [("1.csv", list(1, 1)), ("2.csv", list(2, 1)), ("3.csv", list(3, 1)), ("4.csv", list(4, 1))];
    assert_eq!(import(&many).await, ["a.zip/4.csv: lists_too_large"]);
}

#[tokio::test]
async fn files_that_are_not_listed_are_counted() {
    let harness = Harness::open().await;
    let limits = ImportLimits { report_lines: 1, ..ImportLimits::default() };
    let (database, objects, clock) = (harness.database.clone(), harness.objects.clone(), harness.clock.clone());
    let whole = Catalogue::new(database, objects, clock, limits, 1);
    let sources = vec![file("a.mid", &midi(1, "")), file("b.mid", &midi(2, "")), file("c.mid", b"hello")];
    let report = whole.import(sources, Wishes::default(), |_| ()).await.unwrap();
    assert_eq!((report.files.len(), report.unlisted, report.counts()), (1, 2, (2, 0, 1)));
}
