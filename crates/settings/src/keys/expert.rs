//! Keys of the expert service: where it listens, who may call it, and the limits of the routes that its older clients know.

use super::{Key, Section};

const HOST: &str = "an IP address to listen on, or localhost";
const PORT: &str = "a port number from 0 to 65535; 0 takes a free one";
const MS: &str = "a whole number of milliseconds, at least 1";

pub const EXPERT: Section = Section {
    name: "expert",
    about: "The expert service's own HTTP. Its older routes are those for hums, for sentences and for recordings to train on.",
    keys: &[
        Key::new(
            "expert.host",
            "\"127.0.0.1\"",
            HOST,
            "\"0.0.0.0\"",
            "The address to listen on. Its API has no users: keep it where only the orchestrators reach it, or set a key.",
        ),
        Key::new("expert.port", "8003", PORT, "8004", "The expert service's port.").env(&["EXPERT_MUSIC_AI_PORT"]),
        Key::unset(
            "expert.api_key",
            "a secret of 16 characters or more, without spaces",
            "\"0123456789abcdef\"",
            "What callers of the expert service have to show as a bearer token, but for GET /, /health and /metrics; sent to \
             providers.expert_url, too. Not set: nobody is asked.",
        )
        .env(&["EXPERT_API_KEY"])
        .secret(),
        Key::new(
            "expert.cors_origins",
            "[]",
            "a list of origins such as https://app.example.org, or * alone for all",
            "[\"http://localhost:3000\", \"http://localhost:5173\"]",
            "Web pages from these origins may call the expert service.",
        ),
        Key::new(
            "expert.max_size_bytes",
            "10485760",
            "a whole number of bytes from 1 to 1073741824",
            "52428800",
            "Larger recordings are refused by the older routes. What orchestrators send has the limit of [audio].",
        ),
        Key::new(
            "expert.allowed_formats",
            "[\"wav\", \"mp3\", \"flac\", \"m4a\"]",
            "a list with at least one of mp3, wav, m4a, aac, ogg, flac, webm, aiff and caf",
            "[\"wav\", \"mp3\", \"flac\", \"m4a\", \"webm\"]",
            "Formats that the older routes take, by content and, where a file has an ending, by that.",
        ),
        Key::new(
            "expert.rate_per_minute",
            "10",
            "a whole number from 1 to 100000, or unlimited",
            "60",
            "Calls of the older routes that one address may make in any minute; each process counts for itself.",
        ),
        Key::new(
            "expert.pitch_timeout_ms",
            "30000",
            MS,
            "60000",
            "Longest that the older route for hums follows the melody of a recording.",
        ),
        Key::new(
            "expert.lyrics_timeout_ms",
            "60000",
            MS,
            "120000",
            "Longest that the older routes have words written.",
        ),
        Key::new(
            "expert.vocals_timeout_ms",
            "300000",
            MS,
            "600000",
            "Longest that the older routes have a song composed or sung, and longest that each other step of theirs takes.",
        ),
        Key::new(
            "expert.file_links",
            "false",
            "true or false",
            "true",
            "Whether answers name files that lie with the process that made them, for an hour, in place of carrying them as \
             data: addresses. Only for clients that cannot read those, and only with one process.",
        ),
        Key::unset(
            "expert.training_url",
            "an http or https address without user, password, query or fragment",
            "\"https://music.example.org/api/v1/jobs/training\"",
            "Where trainings are jobs. An address that ends in /jobs/training is the gateway's: POST /train hands recordings over \
             there. Any other one is a page, and named to whoever asks. Not set: the gateway is at http.public_url.",
        ),
    ],
};
