//! From what was given to what is valid. Every section is built to its end, so that all problems come out together.

mod expert;
mod music;
mod outbound;
mod platform;
mod safety;
mod vendor_limits;
mod vendors;

use crate::{
    Settings,
    problem::SettingsErrors,
    raw::RawSettings,
    reader::Reader,
    sections::{AuthMode, Mode},
};

pub fn build(raw: RawSettings) -> Result<Settings, SettingsErrors> {
    let mut reader = Reader::new(raw);
    let settings = read(&mut reader);
    if reader.problems.is_empty() {
        return Ok(Settings { notices: reader.notices, ..settings });
    }
    Err(SettingsErrors(reader.problems))
}

/// What the reader holds as problems is replaced by something harmless here, and the result thrown away.
fn read(reader: &mut Reader) -> Settings {
    let rabbitmq = platform::rabbitmq(reader);
    let mode = platform::mode(reader);
    let data_dir = platform::data_dir(reader);
    let auth = platform::auth(reader, mode);
    let http = platform::http(reader);
    let expert = expert::expert(reader);
    if mode == Mode::Embedded && auth.mode == AuthMode::None && reader.are_good(&["auth.mode"]) {
        for (path, host) in [("http.host", http.host), ("expert.host", expert.host)] {
            if !host.is_loopback() && reader.are_good(&[path]) {
                let expected = "a loopback address such as 127.0.0.1, because nobody is asked who they are; set \
                                auth.mode and what it needs to listen for others";
                reader.wrong(path, Some(expected));
            }
        }
    }
    let providers = platform::providers(reader);
    let vendors = vendors::vendors(reader, providers.call_timeout);
    let spending = vendors::spending(reader);
    vendors::one_currency(reader, &vendors, &spending);
    let capabilities = vendors::capabilities(reader, &vendors);
    vendors::priced(reader, &vendors, &capabilities, &spending);
    Settings {
        mode,
        database: platform::database(reader, mode, &data_dir),
        objects: platform::objects(reader, mode, &data_dir),
        engine: platform::engine(reader, &data_dir),
        data_dir,
        http,
        rabbitmq: rabbitmq.filter(|_| mode == Mode::Distributed),
        auth,
        jobs: platform::jobs(reader),
        providers,
        capabilities,
        vendors,
        spending,
        outbound: outbound::outbound(reader),
        safety: safety::safety(reader),
        moderation: safety::moderation(reader),
        expert,
        audio: music::audio(reader),
        quota: music::quota(reader),
        blend: music::blend(reader),
        training: music::training(reader),
        retention: music::retention(reader),
        quality: music::quality(reader),
        log: platform::log(reader, mode),
        notices: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{LoadOptions, keys};

    /// A key in the table that nothing reads would be a setting without effect.
    #[test]
    fn every_key_of_the_table_is_read() {
        let mut reader = Reader::new(RawSettings::read(&LoadOptions::default()));
        read(&mut reader);
        let table: BTreeSet<String> = keys::entries().map(|(path, _)| path).collect();
        assert_eq!(reader.asked, table);
        assert_eq!(reader.problems, []);
    }
}
