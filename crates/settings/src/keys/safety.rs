//! What prompts and lyrics are checked with.

use super::{Key, Section};

const BOOL: &str = "true or false";
const MS: &str = "a whole number of milliseconds, at least 1";

pub const SAFETY: Section = Section {
    name: "safety",
    about: "The check of words in prompts and lyrics: by the gateway before there is a job, and by the job itself.",
    keys: &[
        Key::new(
            "safety.enabled",
            "true",
            BOOL,
            "false",
            "Whether prompts and lyrics are held against the word lists.",
        ),
        Key::new(
            "safety.refuse_at",
            "\"block\"",
            "warn or block",
            "\"warn\"",
            "The least severity of a word that refuses a prompt or a text.",
        ),
        Key::unset(
            "safety.lists",
            "the path of a TOML file of [[entries]] with language, severity, category, terms and allowed_in",
            "\"/etc/descant/safety.toml\"",
            "Word lists of your own, read by the gateway, the orchestrator and the expert service when they start. Not set: the built-in ones alone.",
        ),
        Key::new(
            "safety.replace_built_in",
            "false",
            BOOL,
            "true",
            "Whether your own lists stand in place of the built-in ones rather than beside them.",
        ),
    ],
};

pub const MODERATION: Section = Section {
    name: "moderation",
    about: "An AI vendor's judgement on prompts and lyrics, besides the word lists.",
    keys: &[
        Key::unset(
            "moderation.openai_api_key",
            "the API key of an OpenAI account",
            "\"sk-...\"",
            "Asks the moderation endpoint. Not set: nobody outside is asked.",
        )
        .secret(),
        Key::new(
            "moderation.openai_url",
            "\"https://api.openai.com/v1\"",
            "an http or https address without user, password, query or fragment",
            "\"http://localhost:8080/v1\"",
            "Where the endpoint `moderations` is; any service that speaks like it will do.",
        ),
        Key::new(
            "moderation.model",
            "\"omni-moderation-latest\"",
            "the name of a model",
            "\"omni-moderation-latest\"",
            "The model that judges.",
        ),
        Key::new("moderation.timeout_ms", "5000", MS, "2000", "Longest time to wait for a judgement."),
        Key::new(
            "moderation.fail_closed",
            "false",
            BOOL,
            "true",
            "Whether a job waits and fails when no judgement can be had, rather than going on with a warning.",
        ),
    ],
};
