//! The catalogue: imports with everything that people and attackers send, corrections, removals, and what a crash leaves.

use std::{fs::File, io::Write, os::unix::fs::symlink};

use blob_store::{KeyPrefix, ObjectKey};
use chrono::TimeDelta;
use contracts::{Envelope, Payload, SongFile, SongImport, SongOutcome, SongReport, SongReportLine, StoredObject, v1};
use domain::{MessageId, SongName, UploadId, UserId};
use messaging::{MessagingError, Queue};
use resilience::{Clock, ids::random10};
use sha2::{Digest, Sha256};
use storage::songs::{Catalogue, ImportLimits, Source, Wishes};

use crate::{
    songs_bytes::{gzip, midi, tar_entry, tar_of, zip_of},
    support::Harness,
};

fn catalogue(harness: &Harness, limits: ImportLimits) -> Catalogue {
    Catalogue::new(harness.database.clone(), harness.objects.clone(), harness.clock.clone(), limits, 2)
}

fn file(name: &str, bytes: &[u8]) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Source::File { name: name.to_owned(), file }
}

async fn import(harness: &Harness, sources: Vec<Source>) -> SongReport {
    let mut told = Vec::new();
    let whole = catalogue(harness, ImportLimits::default());
    let report = whole.import(sources, Wishes::default(), |line| told.push(line.clone())).await.unwrap();
    assert_eq!(told, report.files);
    report
}

/// `file: outcome`, the outcome being the song's name, or a refusal's code.
fn lines(report: &SongReport) -> Vec<String> {
    let line = |SongReportLine { file, outcome }: &SongReportLine| match outcome {
        SongOutcome::Imported { title, artist, .. } => {
            format!("{file}: {}", artist.as_ref().map_or(title.clone(), |artist| format!("{title} - {artist}")))
        }
        SongOutcome::Known { title, .. } => format!("{file}: known as {title}"),
        SongOutcome::Refused { code, .. } => format!("{file}: {code}"),
    };
    report.files.iter().map(line).collect()
}

async fn objects(harness: &Harness, prefix: KeyPrefix) -> Vec<String> {
    let listed = harness.objects.list(&prefix, None, 1000).await.unwrap();
    listed.into_iter().map(|object| object.key.to_string()).collect()
}

#[tokio::test]
async fn a_folder_is_imported_with_all_below_it_and_its_archives() {
    let harness = Harness::open().await;
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("music");
    std::fs::create_dir_all(folder.join("Queen/Live")).unwrap();
    std::fs::create_dir_all(folder.join(".git")).unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    put("01 - Greensleeves.mid", &midi(1, ""));
    put("Queen/Innuendo.MID", &midi(2, ""));
    put("Queen/Live/ABBA - Waterloo.kar", &midi(3, ""));
    put("list.csv", b"file,title,artist\nx.mid,Listed,Somebody\n");
    put("x.mid", &midi(4, "own"));
    put("y.mid", &midi(5, "Own Title"));
    put("z.mid", &midi(4, "own"));
    put("readme.txt", b"hello");
    put("renamed.mid", b"ID3\x03 an MP3");
    put(".git/hidden.mid", &midi(6, ""));
    put("more.zip", &zip_of(&[("deep/Bach/Air.mid", midi(7, "")), ("../../../tmp/evil.mid", midi(8, ""))]));
    put("some.tar.gz", &gzip(&tar_of(&[("a/Someone - One.mid", midi(9, ""))])));
    put("single.mid.gz", &gzip(&midi(10, "")));
    std::fs::write(home.path().join("outside.mid"), midi(11, "")).unwrap();
    symlink(home.path().join("outside.mid"), folder.join("zz-link.mid")).unwrap();
    symlink(home.path(), folder.join("zz-loop")).unwrap();
    let report = import(&harness, vec![Source::open(&folder).unwrap()]).await;
    assert_eq!(
        lines(&report),
        [
            "music/01 - Greensleeves.mid: Greensleeves",
            "music/Queen/Innuendo.MID: Innuendo - Queen",
            "music/Queen/Live/ABBA - Waterloo.kar: Waterloo - ABBA",
            "music/more.zip/deep/Bach/Air.mid: Air - Bach",
            "music/more.zip/tmp/evil.mid: evil - tmp",
            "music/readme.txt: not_midi",
            "music/renamed.mid: not_midi",
            "music/single.mid: single",
            "music/some.tar.gz/a/Someone - One.mid: One - Someone",
            "music/x.mid: Listed - Somebody",
            "music/y.mid: y",
            "music/z.mid: known as Listed",
            "music/zz-link.mid: link",
            "music/zz-loop: link",
        ]
    );
    let page = harness.database.songs().list(None, 100).await.unwrap();
    assert_eq!(page.songs.len(), 9);
    for song in &page.songs {
        assert_eq!(song.object_key, format!("songs/{}.mid", song.sha256));
        let object = harness.objects.head(&song.object_key.parse().unwrap()).await.unwrap();
        assert_eq!(object.size_bytes, song.bytes);
        assert!(song.facts.bars > 0 && song.facts.notes > 0 && song.facts.seconds > 1.0, "{song:?}");
        assert!(!song.facts.parts.is_empty());
    }
    assert_eq!(objects(&harness, KeyPrefix::songs()).await.len(), 9);
    let again = import(&harness, vec![Source::open(&folder).unwrap()]).await;
    assert_eq!(again.counts(), (0, 10, 4));
}

#[tokio::test]
async fn names_in_archives_open_nothing() {
    let harness = Harness::open().await;
    let tricks = [
        "../../up.mid",
        "/etc/absolute.mid",
        "C:\\Windows\\drive.mid",
        "a/..\\..\\b.mid",
        "nul\0.mid",
        "..",
        "./dot.mid",
    ];
    let entries: Vec<(&str, Vec<u8>)> =
        tricks.iter().enumerate().map(|(n, name)| (*name, midi(20 + n as u8, ""))).collect();
    let mut tar = Vec::new();
    for (name, bytes) in &entries {
        tar.extend(tar_entry(name.as_bytes(), b'0', bytes));
    }
    tar.extend(tar_entry(b"link.mid", b'2', b""));
    tar.extend(tar_entry(b"hard.mid", b'1', b""));
    tar.extend(tar_entry(b"device", b'3', b""));
    tar.extend([0; 1024]);
    let report = import(&harness, vec![file("t.tar", &tar)]).await;
    assert_eq!(
        lines(&report),
        [
            "t.tar/up.mid: up",
            "t.tar/etc/absolute.mid: absolute - etc",
            "t.tar/Windows/drive.mid: drive - Windows",
            "t.tar/a/b.mid: b - a",
            "t.tar/nul: nul",
            "t.tar/dot.mid: dot",
            "t.tar/link.mid: link",
            "t.tar/hard.mid: link",
            "t.tar/device: not_a_file",
        ]
    );
    let zip = zip_of(&entries[..4]);
    assert_eq!(import(&harness, vec![file("t.zip", &zip)]).await.counts(), (0, 4, 0));
    let files: Vec<_> =
        std::fs::read_dir(harness.home.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(
        files.iter().all(|name| ["objects", "rows.db", "rows.db-shm", "rows.db-wal"].iter().any(|known| name == known)),
        "{files:?}"
    );
}

#[tokio::test]
async fn long_names_of_tar_archives_are_read_and_bounded() {
    let harness = Harness::open().await;
    let long = format!("{}/The Artist - A Long Title.mid", "f".repeat(300));
    let mut tar = tar_entry(b"././@LongLink", b'L', long.as_bytes());
    tar.extend(tar_entry(b"short.mid", b'0', &midi(40, "")));
    let record = "path=pax/Somebody - Pax.mid\n";
    let pax = format!("{} {record}", record.len() + 3);
    tar.extend(tar_entry(b"PaxHeaders/x", b'x', pax.as_bytes()));
    tar.extend(tar_entry(b"short2.mid", b'0', &midi(41, "")));
    tar.extend(tar_entry(b"././@LongLink", b'L', &vec![b'a'; 1 << 20]));
    tar.extend(tar_entry(b"short3.mid", b'0', &midi(42, "")));
    tar.extend([0; 1024]);
    let report = import(&harness, vec![file("t.tar", &tar)]).await;
    let names: Vec<String> =
        lines(&report).iter().filter_map(|line| Some(line.rsplit_once(": ")?.1.to_owned())).collect();
    assert_eq!(names[..2], ["A Long Title - The Artist", "Pax - Somebody"]);
    assert!(report.files[2].file.len() < 100_000, "a name of a megabyte was taken");
}

#[tokio::test]
async fn bombs_are_put_out() {
    let harness = Harness::open().await;
    let zeros = vec![0; 3 << 20];
    let bomb = zip_of(&[("a.mid", midi(50, "")), ("zeros.bin", zeros.clone()), ("b.mid", midi(51, ""))]);
    assert_eq!(
        lines(&import(&harness, vec![file("b.zip", &bomb)]).await),
        ["b.zip/a.mid: a", "b.zip: unpacks_too_much"]
    );
    let gz = gzip(&tar_of(&[("zeros.bin", zeros.clone())]));
    assert_eq!(lines(&import(&harness, vec![file("b.tgz", &gz)]).await), ["b.tgz: unpacks_too_much"]);
    assert_eq!(lines(&import(&harness, vec![file("b.gz", &gzip(&zeros))]).await), ["b: unpacks_too_much"]);
    let inner = zip_of(&[("a.mid", midi(52, ""))]);
    let nested = zip_of(&[
        ("inner.zip", inner.clone()),
        ("in.tar", tar_of(&[("x.mid", midi(53, ""))])),
        ("in.gz", gzip(&inner)),
    ]);
    let report = import(&harness, vec![file("n.zip", &nested), file("n.gz", &gzip(&gzip(&inner)))]).await;
    let refused = ["n.zip/inner.zip", "n.zip/in.tar", "n.zip/in.gz", "n"].map(|name| format!("{name}: nested_archive"));
    assert_eq!(lines(&report), refused);

    let small = ImportLimits {
        entries: 3,
        unpacked_bytes: 4_000,
        file_bytes: 2_000,
        archive_bytes: 10_000,
        depth: 2,
        ..ImportLimits::default()
    };
    let tight = catalogue(&harness, small);
    let check = async |source, expected: &[&str]| {
        let report = tight.import(vec![source], Wishes::default(), |_| ()).await.unwrap();
        assert_eq!(lines(&report), expected);
    };
    let four: Vec<(String, Vec<u8>)> = (60..64).map(|n| (format!("{n}.mid"), midi(n, ""))).collect();
    let four: Vec<(&str, Vec<u8>)> = four.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    check(file("4.zip", &zip_of(&four)), &["4.zip: too_many_entries"]).await;
    let report = tight.import(vec![file("4.tar", &tar_of(&four))], Wishes::default(), |_| ()).await.unwrap();
    assert_eq!((report.files.len(), lines(&report)[3].as_str()), (4, "4.tar: too_many_entries"));
    check(file("large.mid", &vec![b'x'; 2_001]), &["large.mid: too_large"]).await;
    check(file("large.zip", &[b"PK\x03\x04".to_vec(), vec![0; 10_000]].concat()), &["large.zip: archive_too_large"])
        .await;
    let noise: Vec<u8> = (0..1_900_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let three = [("1.bin", noise.clone()), ("2.bin", noise.clone()), ("3.bin", noise)];
    check(
        file("3.zip", &zip_of(&three)),
        &["3.zip/1.bin: not_midi", "3.zip/2.bin: not_midi", "3.zip: unpacks_too_large"],
    )
    .await;
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join("a/b/c")).unwrap();
    let root = home.path().file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::write(home.path().join("a/b/c/x.mid"), midi(65, "")).unwrap();
    let report = tight.import(vec![Source::open(home.path()).unwrap()], Wishes::default(), |_| ()).await.unwrap();
    assert_eq!(lines(&report), [format!("{root}/a/b: too_deep")]);
}

/// Every source has a line of its own, or one of what is in it.
fn tells_of_each(report: &SongReport, sources: &[&str]) {
    for source in sources {
        assert!(report.files.iter().any(|line| line.file.starts_with(source)), "nothing of {source}: {report:?}");
    }
}

/// An archive from before the word `ustar`, and one that is gzipped in two pieces, the first of a few bytes.
#[tokio::test]
async fn old_and_pieced_archives_are_archives() {
    let harness = Harness::open().await;
    let mut old = tar_of(&[("a.mid", midi(70, ""))]);
    old[257..265].fill(0);
    old[148..156].fill(b' ');
    let sum: u32 = old[..512].iter().map(|byte| u32::from(*byte)).sum();
    old[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let tar = tar_of(&[("b.mid", midi(71, ""))]);
    let pieces = [gzip(&tar[..20]), gzip(&tar[20..])].concat();
    let report = import(&harness, vec![file("old.tar", &old), file("pieces.tgz", &pieces)]).await;
    assert_eq!(
        report.files.iter().map(|line| line.file.as_str()).collect::<Vec<_>>(),
        ["old.tar/a.mid", "pieces.tgz/b.mid"]
    );
    assert!(report.files.iter().all(|line| matches!(line.outcome, SongOutcome::Imported { .. })), "{report:?}");
}

#[tokio::test]
async fn lying_and_broken_archives_end_with_a_line() {
    let harness = Harness::open().await;
    let good = zip_of(&[("a.mid", midi(70, "")), ("b.mid", midi(71, ""))]);
    // Whatever byte is changed or cut away, an import ends and says something of each file.
    for at in (0..good.len()).step_by(7) {
        let mut broken = good.clone();
        broken[at] ^= 0x55;
        let report = import(&harness, vec![file("x.zip", &broken), file("y.zip", &good[..at])]).await;
        tells_of_each(&report, &["x.zip", "y.zip"]);
    }
    let tar = tar_of(&[("a.mid", midi(72, "")), ("b.mid", midi(73, ""))]);
    let packed = gzip(&tar);
    for at in (0..packed.len()).step_by(5) {
        let mut broken = packed.clone();
        broken[at] ^= 0x55;
        let cut = file("z.tar", &tar[..at.min(tar.len())]);
        let report = import(&harness, vec![file("x.tgz", &broken), file("y.tgz", &packed[..at]), cut]).await;
        tells_of_each(&report, &["x.tgz", "y.tgz", "z.tar"]);
    }
    let mut lying = tar.clone();
    // An entry of eight gigabytes.
    lying[124..136].copy_from_slice(b"77777777777\0");
    let report = import(&harness, vec![file("lying.tar", &lying)]).await;
    assert_eq!(report.files.len(), 1, "{report:?}");
}

#[tokio::test]
async fn broken_midi_is_refused_with_its_reason_and_leaves_nothing() {
    let harness = Harness::open().await;
    let silent = [&b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x04"[..], b"\0\xff\x2f\0"].concat();
    let no_base = [&b"MThd\0\0\0\x06\0\0\0\x01\0\0MTrk\0\0\0\x04"[..], b"\0\xff\x2f\0"].concat();
    let sources = [
        ("empty.mid", &b""[..]),
        ("silent.mid", &silent),
        ("base.mid", &no_base),
        ("cut.mid", b"MThd\0\0"),
        ("a.mid", b"\xff\xfb\x90\x64 mp3"),
        ("b.mid", b"<html>"),
    ];
    let report = import(&harness, sources.map(|(name, bytes)| file(name, bytes)).into()).await;
    let codes = [
        "empty.mid: not_midi",
        "silent.mid: no_notes",
        "base.mid: midi_damaged",
        "cut.mid: midi_damaged",
        "a.mid: not_midi",
        "b.mid: not_midi",
    ];
    assert_eq!(lines(&report), codes);
    let SongOutcome::Refused { why, .. } = &report.files[4].outcome else { panic!("{report:?}") };
    assert_eq!(why, "This is not a MIDI file but an MP3 recording.");
    assert!(objects(&harness, KeyPrefix::all()).await.is_empty());
    assert!(harness.database.songs().list(None, 10).await.unwrap().songs.is_empty());
}

#[tokio::test]
async fn a_title_is_for_one_song_and_an_artist_for_all() {
    let harness = Harness::open().await;
    let whole = catalogue(&harness, ImportLimits::default());
    let wishes = Wishes { title: Some("Mine".to_owned()), artist: Some("Me".to_owned()) };
    let archive = zip_of(&[("x.mid", midi(81, ""))]);
    let report =
        whole.import(vec![file("a.mid", &midi(80, "")), file("a.zip", &archive)], wishes, |_| ()).await.unwrap();
    assert_eq!(lines(&report), ["a.mid: Mine - Me", "a.zip/x.mid: title_for_many"]);
    let wishes = Wishes { title: None, artist: Some("Me".to_owned()) };
    let report = whole.import(vec![file("a.zip", &archive)], wishes, |_| ()).await.unwrap();
    assert_eq!(lines(&report), ["a.zip/x.mid: x - Me"]);
}

#[tokio::test]
async fn a_removal_leaves_no_object_and_a_crash_is_cleaned_up() {
    let harness = Harness::open().await;
    let whole = catalogue(&harness, ImportLimits::default());
    let report = import(&harness, vec![file("a.mid", &midi(90, "")), file("b.mid", &midi(91, ""))]).await;
    assert_eq!(report.counts(), (2, 0, 0));
    let page = harness.database.songs().list(None, 10).await.unwrap();
    let [first, second] = &page.songs[..] else { panic!("{page:?}") };
    whole.remove(first.id).await.unwrap();
    assert_eq!(objects(&harness, KeyPrefix::songs()).await, std::slice::from_ref(&second.object_key));
    assert_eq!(whole.remove(first.id).await.unwrap_err().code(), "song_missing");
    // Removed by a service that died behind the first step.
    harness.database.songs().hide(second.id, harness.clock.now()).await.unwrap();
    assert_eq!(harness.service.sweep().await.songs, 0, "a removal that is under way was taken for dead");
    harness.clock.advance(TimeDelta::minutes(11));
    let swept = harness.service.sweep().await;
    assert_eq!((swept.songs, swept.failures), (1, 0));
    assert!(objects(&harness, KeyPrefix::all()).await.is_empty());
    let report = import(&harness, vec![file("b.mid", &midi(91, ""))]).await;
    assert_eq!(report.counts(), (1, 0, 0));
}

#[tokio::test]
async fn the_same_song_from_many_at_once_is_there_once() {
    let harness = Harness::open().await;
    let imports =
        (0..6).map(|_| {
            let whole = catalogue(&harness, ImportLimits::default());
            async move {
                whole.import(vec![file("a.mid", &midi(95, ""))], Wishes::default(), |_| ()).await.unwrap().counts()
            }
        });
    let counts = futures_util::future::join_all(imports).await;
    assert_eq!(counts.iter().map(|(imported, ..)| imported).sum::<u32>(), 1, "{counts:?}");
    assert_eq!(counts.iter().map(|(_, known, _)| known).sum::<u32>(), 5, "none is sent away: {counts:?}");
    assert_eq!(objects(&harness, KeyPrefix::songs()).await.len(), 1);
}

/// Collections are full of them, and they lie beside each other.
#[tokio::test(flavor = "multi_thread")]
async fn equal_files_of_one_import_are_known_and_not_refused() {
    let harness = Harness::open().await;
    let workers = 4;
    let (database, objects, clock) = (harness.database.clone(), harness.objects.clone(), harness.clock.clone());
    let whole = Catalogue::new(database, objects, clock, ImportLimits::default(), workers);
    let sources = (0..8).map(|n| file(&format!("{n}.mid"), &midi(80, "Twins"))).collect();
    let report = whole.import(sources, Wishes::default(), |_| ()).await.unwrap();
    assert_eq!(report.counts(), (1, 7, 0), "{:?}", lines(&report));
}

async fn uploaded(harness: &Harness, bytes: &[u8], name: &str) -> SongFile {
    let id = UploadId::new(harness.clock.now(), random10());
    let key = ObjectKey::upload(id);
    harness.database.uploads().create(id, &UserId::local(), key.as_str(), harness.clock.now()).await.unwrap();
    harness.objects.put_bytes(&key, bytes.to_vec().into(), "audio/midi").await.unwrap();
    let object = StoredObject {
        object_key: key.to_string(),
        sha256: hex::encode(Sha256::digest(bytes)),
        size_bytes: bytes.len() as u64,
    };
    SongFile { object, file_name: Some(name.to_owned()) }
}

async fn ask(harness: &Harness, body: impl Into<contracts::Body>) -> Result<Envelope, MessagingError> {
    let now = harness.clock.now();
    let message = contracts::envelope(body, MessageId::new(now, random10()), now);
    harness.bus.request(Queue::StorageSongs, message, std::time::Duration::from_secs(60)).await
}

fn fault(answer: Result<Envelope, MessagingError>) -> String {
    match answer {
        Err(MessagingError::Fault { code, retryable: false, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn requests_over_the_bus_are_answered() {
    let harness = Harness::open().await;
    let report_key = ObjectKey::upload(UploadId::new(harness.clock.now(), random10()));
    let import = SongImport {
        files: vec![
            uploaded(&harness, &midi(100, ""), "C:\\music\\Queen - Innuendo.mid").await,
            uploaded(&harness, b"hello", "../x.mid").await,
        ],
        title: None,
        artist: None,
        report_object_key: report_key.to_string(),
    };
    let answer = ask(&harness, v1::ImportSongs::from(import.clone())).await.unwrap();
    let counts = v1::SongsImported::open(answer).unwrap();
    assert_eq!(counts, v1::SongsImported { imported: 1, known: 0, refused: 1 });
    let mut text = String::new();
    let mut written: File = harness.objects.fetch_to_file(&report_key, 1 << 20).await.unwrap();
    std::io::Read::read_to_string(&mut written, &mut text).unwrap();
    let report: SongReport = serde_json::from_str(&text).unwrap();
    assert_eq!(lines(&report), ["Queen - Innuendo.mid: Innuendo - Queen", "x.mid: not_midi"]);
    let SongOutcome::Imported { id, .. } = &report.files[0].outcome else { panic!("{report:?}") };

    let name = SongName::new("Innuendo!", Some("Queen")).unwrap();
    ask(&harness, v1::CorrectSong::naming(*id, &name)).await.unwrap();
    assert_eq!(harness.database.songs().get(*id).await.unwrap().unwrap().title, "Innuendo!");
    ask(&harness, v1::RemoveSong { song_id: id.to_string() }).await.unwrap();
    assert_eq!(harness.database.songs().get(*id).await.unwrap(), None);
    assert_eq!(fault(ask(&harness, v1::RemoveSong { song_id: id.to_string() }).await), "song_missing");
    assert_eq!(fault(ask(&harness, v1::CorrectSong::naming(*id, &name)).await), "song_missing");

    let elsewhere = SongImport { report_object_key: "jobs/1/result/x".to_owned(), ..import.clone() };
    assert_eq!(fault(ask(&harness, v1::ImportSongs::from(elsewhere)).await), "object_key_invalid");
    let mut gone = import;
    gone.files[0].object.object_key = "uploads/none".to_owned();
    assert_eq!(fault(ask(&harness, v1::ImportSongs::from(gone)).await), "object_missing");
}
