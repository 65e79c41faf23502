//! The job's songs out of its inputs.

use std::io::Read as _;

use arrangement::{SongRead, read_song};
use domain::{
    Failure, FailureClass, FailureCode,
    kinds::blend::{SONG, SONGS},
};
use providers::blocking;

use crate::stage::StageRun;

/// Reads and analyses all three, in the order in which they were asked for. A song is called as its file is.
pub async fn read(run: &StageRun<'_>) -> Result<[SongRead; SONGS], Failure> {
    let mut songs = Vec::new();
    for input in run.job.inputs.iter().filter(|input| input.role == SONG) {
        let file = run.fetch_input(input).await?;
        let name = input.file_name.clone();
        let read = move || {
            let mut bytes = Vec::new();
            file.take(domain::midi::MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| {
                let message = format!("a song cannot be read: {error}");
                Failure::new(FailureClass::Transient, FailureCode::Storage, message)
            })?;
            read_song(&bytes, name.as_deref().map(domain::midi::without_ending))
        };
        let number = songs.len() + 1;
        songs.push(blocking(read).await?.map_err(|failure| numbered(number, failure))?);
    }
    songs.try_into().map_err(|songs: Vec<SongRead>| {
        let message = format!("the job has {} songs instead of {SONGS}", songs.len());
        Failure::new(FailureClass::Config, FailureCode::Internal, message)
    })
}

fn numbered(number: usize, failure: Failure) -> Failure {
    Failure { message: format!("song {number}: {}", failure.message), ..failure }
}
