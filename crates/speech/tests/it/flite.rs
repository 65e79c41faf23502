//! The installed flite: `cargo xtask setup` installs it.

use std::path::Path;

use speech::{Flite, SpeechFailure};
use voice::{Speaker, SpokenWord, Voice};

fn flite() -> Flite {
    Flite::find().expect("these tests need flite: `cargo xtask setup`, or apt-get install flite")
}

fn word(text: &str, phones: &str) -> SpokenWord {
    SpokenWord { text: text.into(), phones: phones.split(' ').map(str::to_owned).collect() }
}

#[test]
fn words_are_said_with_the_sounds_they_were_given() {
    let flite = flite();
    let words = [word("the", "DH AH0"), word("moon", "S T OW1 N"), word("fire", "F AY1 R")];
    for voice in flite.voices() {
        let said = flite.say(voice, &words).expect("said");
        let phones: Vec<&str> = said.phones.iter().map(|(p, _)| p.as_str()).filter(|p| *p != "pau").collect();
        assert_eq!(phones.len(), 9, "{voice}: {phones:?}");
        assert_eq!(phones[2..], ["S", "T", "OW", "N", "F", "AY", "R"], "{voice}");
        assert!(said.phones.windows(2).all(|pair| pair[0].1 < pair[1].1));
        let length = said.samples.len() as f64 / f64::from(said.sample_rate_hz);
        assert!((length - said.phones.last().expect("phones").1).abs() < 0.1, "{voice}: {length} s");
        let power = said.samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / said.samples.len() as f64;
        assert!(power.sqrt() > 0.01, "{voice} is silent");
        assert_eq!(said, flite.say(voice, &words).expect("said again"));
    }
}

#[test]
fn what_the_dictionary_of_flite_insists_on_is_said_by_its_sounds() {
    let said = flite().say(Voice::Rms, &[word("i", "AY1"), word("read", "R IY1 D")]).expect("said");
    let phones: Vec<&str> = said.phones.iter().map(|(p, _)| p.as_str()).filter(|p| *p != "pau").collect();
    assert_eq!(phones, ["AY", "R", "IY", "D"]);
}

#[test]
fn words_cannot_be_options_or_commands() {
    let folder = tempfile::tempdir().expect("a folder");
    let planted = folder.path().join("planted");
    let evil = format!("-o {}; touch {}", planted.display(), planted.display());
    let said = flite().say(Voice::Slt, &[word(&evil, "M UW1 N"), word("--help", "M UW1 N")]).expect("said");
    assert!(said.samples.len() > 4_000);
    assert!(!planted.exists());
}

/// A flite that writes down what everybody on the machine could see of it, and then works.
#[cfg(unix)]
fn watched(folder: &Path) -> Flite {
    use std::os::unix::fs::PermissionsExt;

    let program = folder.join("flite");
    let seen = folder.join("seen");
    let script = format!(
        "#!/bin/sh\n{{ echo \"$*\"; ls -ld .; }} >> {}\nexec {} \"$@\"\n",
        seen.display(),
        flite().program().display()
    );
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).expect("a program");
    Flite::at(&program).expect("a flite")
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_what_is_sung() {
    let folder = tempfile::tempdir().expect("a folder");
    let watched = watched(folder.path());
    let lines = [
        vec![word("quiet", "K W AY1 AH0 T"), word("moonlight", "M UW1 N L AY2 T"), word("river's", "R IH1 V ER0 Z")],
        // flite insists on another sound of this word, and is asked a second time.
        vec![word("i", "AY1"), word("read", "R IY1 D"), word("Yesterday", "Y EH1 S T ER0 D EY2")],
    ];
    for words in &lines {
        for voice in watched.voices() {
            assert_eq!(watched.say(voice, words), flite().say(voice, words), "{voice}");
        }
    }
    let seen = std::fs::read_to_string(folder.path().join("seen")).expect("what was seen").to_ascii_lowercase();
    assert!(seen.contains("-voice rms") && seen.contains("line.txt"), "{seen}");
    for secret in ["quiet", "moonlight", "river", "read", "yesterday", " ay1", " ih1"] {
        assert!(!seen.contains(secret), "\"{secret}\" can be seen:\n{seen}");
    }
    for folder in seen.lines().filter(|line| line.starts_with('d')) {
        assert!(folder.starts_with("drwx------"), "others may look into it: {folder}");
    }
}

#[cfg(unix)]
#[test]
fn programs_that_are_no_flite_are_told_from_it() {
    assert!(matches!(Flite::at(Path::new("/nowhere/flite")), Err(SpeechFailure::Program { .. })));
    assert!(matches!(Flite::at(Path::new("/bin/echo")), Err(SpeechFailure::Output(_))));
    assert!(matches!(Flite::at(Path::new("/bin/false")), Err(SpeechFailure::Failed { .. })));
}
