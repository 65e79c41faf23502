//! Keys of the vendors: a table each, who does what in which order, and what may be spent.

use super::{Key, Section};

const PRICE: &str = "a number from 0 to 100000, in the table's currency";
const LIMIT: &str = "a number from 0 to 1000000000, in the currency";
const MS: &str = "a whole number of milliseconds from 1 to 86400000";
const LOOK: &str = "a whole number of milliseconds from 200 to 600000";
const NAMES: &str = "a list of names of providers; the engine in this process is called offline";
const SECONDS: &str = "a number of seconds from 0 to 36000";
const VERSION: &str = "owner/name, owner/name:version or a version of 64 hexadecimal digits";
const AUTOMATIC: &str = "Not set: all that are set up and can, those for money first, the engine last.";

/// Tables that need no `kind`: it is their name.
pub const BUILT_IN_PROVIDERS: [&str; 5] = ["anthropic", "elevenlabs", "ml_model", "openai", "replicate"];

/// Variables that set a key of a built-in table besides the systematic one.
pub const VENDOR_VARIABLES: &[(&str, &str)] = &[
    ("ANTHROPIC_API_KEY", "providers.anthropic.api_key"),
    ("ELEVENLABS_API_KEY", "providers.elevenlabs.api_key"),
    ("ML_MODEL_API_KEY", "providers.ml_model.api_key"),
    ("ML_MODEL_URL", "providers.ml_model.base_url"),
    ("OPENAI_API_KEY", "providers.openai.api_key"),
    ("OPENAI_BASE_URL", "providers.openai.base_url"),
    ("REPLICATE_API_TOKEN", "providers.replicate.api_key"),
];

pub const PROVIDER: Section = Section {
    name: "providers.{provider}",
    about: "A vendor: anthropic, elevenlabs, ml_model, openai or replicate, or a name of your own with a kind.",
    keys: &[
        Key::unset(
            "providers.{provider}.kind",
            "anthropic, elevenlabs, openai, replicate, speech, expert or ml_model",
            "\"openai\"",
            "How it is spoken to; a built-in table's name says so already. openai: chat completions, as Ollama, vLLM and \
             llama.cpp speak them too. speech: the form of OpenAI's audio/speech. expert: another Descant expert. \
             ml_model: a model that blends songs.",
        ),
        Key::unset(
            "providers.{provider}.base_url",
            "an http or https address without user, password, query or fragment",
            "\"http://localhost:11434/v1\"",
            "Where it is. Not set: the vendor's own address; kinds without one need it.",
        ),
        Key::unset(
            "providers.{provider}.api_key",
            "the key of an account",
            "\"...\"",
            "Sent as the vendor wants it. A built-in table is set up when this is set (openai also with an address alone, \
             ml_model with an address).",
        )
        .secret(),
        Key::unset(
            "providers.{provider}.api_version",
            "a version of the vendor's API",
            "\"2023-06-01\"",
            "Sent as the header anthropic-version. Not set: the one that the client was made for.",
        ),
        Key::unset(
            "providers.{provider}.model",
            "the name of a model",
            "\"claude-haiku-4-5\"",
            "Who writes, speaks or composes. Not set: claude-haiku-4-5, gpt-4.1-mini, music_v1 or kokoro, by kind.",
        ),
        Key::unset(
            "providers.{provider}.voice",
            "the name of a voice",
            "\"af_heart\"",
            "Who speaks (speech), or a preset (Bark). Not set: af_heart, or the vendor's own choice.",
        ),
        Key::unset(
            "providers.{provider}.vocals_version",
            VERSION,
            "\"suno-ai/bark\"",
            "The version of Bark that sings (replicate). Not set: one that is known to work.",
        ),
        Key::unset(
            "providers.{provider}.music_version",
            VERSION,
            "\"meta/musicgen\"",
            "The version of MusicGen that composes (replicate). Not set: one that is known to work.",
        ),
        Key::unset(
            "providers.{provider}.trainer_version",
            VERSION,
            "\"sakemin/musicgen-fine-tuner\"",
            "The version of the trainer of custom models (replicate). Not set: one that is known to work.",
        ),
        Key::unset(
            "providers.{provider}.owner",
            "the name of an account",
            "\"acme\"",
            "Whose models trained ones become (replicate). Not set: none are trained.",
        ),
        Key::unset(
            "providers.{provider}.hardware",
            "the vendor's name for a machine",
            "\"gpu-t4\"",
            "What a model that is made for trainings is said to run on (replicate). Not set: gpu-t4.",
        ),
        Key::unset(
            "providers.{provider}.output_hosts",
            "a list of host names; *.example.com stands for all below it",
            "[\"replicate.delivery\", \"*.replicate.delivery\"]",
            "Where files that it made may lie. Not set: the vendor's own hosts.",
        ),
        Key::unset(
            "providers.{provider}.webhook_secret",
            "a secret that begins with whsec_",
            "\"whsec_...\"",
            "What the vendor signs its webhooks with (replicate). Not set: the vendor is asked for it when the first one comes.",
        )
        .secret(),
        Key::unset(
            "providers.{provider}.format",
            "a format of the vendor",
            "\"mp3_44100_192\"",
            "What sound comes as: an output format that the account may have (elevenlabs); wav or mp3 (replicate); wav, mp3, \
             flac, opus or aac (speech). Not set: mp3_44100_128, wav, and wav or else mp3.",
        ),
        Key::unset(
            "providers.{provider}.max_tokens",
            "a whole number from 64 to 1000000",
            "4096",
            "Most that a writer may answer. Not set: 4096.",
        ),
        Key::unset("providers.{provider}.shortest_seconds", SECONDS, "3", "Of music. Not set: as the vendor says."),
        Key::unset("providers.{provider}.longest_seconds", SECONDS, "600", "Of music. Not set: as the vendor says."),
        Key::unset(
            "providers.{provider}.languages",
            "a list of en and es",
            "[\"en\"]",
            "Languages that it is asked to write or sing. Not set: all that Descant knows and the kind can.",
        ),
        Key::unset(
            "providers.{provider}.plays",
            "true or false",
            "true",
            "Whether the model also plays the songs that were blended, whoever blended them (ml_model: `POST convert-to-mp3`); \
             there are no stems then, and what fails or sounds bad is played here. Not set: no.",
        ),
        Key::unset(
            "providers.{provider}.timeout_ms",
            MS,
            "60000",
            "Longest that one answer is waited for. Not set: 60000; 300000 where the answer is the finished music; \
             providers.call_timeout_ms of a model that blends, and of words by a server without a key.",
        ),
        Key::unset(
            "providers.{provider}.work_timeout_ms",
            MS,
            "600000",
            "Longest that work of the vendor is waited for (replicate). Not set: 600000.",
        ),
        Key::unset(
            "providers.{provider}.concurrency",
            "a whole number from 1 to 1000",
            "4",
            "Calls at once, unless the vendor's answers say another number. Not set: 4.",
        ),
        Key::unset(
            "providers.{provider}.max_text_chars",
            "a whole number of characters from 40 to 100000",
            "180",
            "Longest text that is spoken at once. Not set: 180 (Bark), 4096 (speech).",
        ),
        Key::unset(
            "providers.{provider}.min_part_ms",
            "a whole number of milliseconds from 1 to 3600000",
            "3000",
            "Shortest part of a plan of a song (elevenlabs). Not set: 3000.",
        ),
        Key::unset(
            "providers.{provider}.max_part_ms",
            "a whole number of milliseconds from 1 to 3600000, at least twice min_part_ms",
            "120000",
            "Longest part of a plan of a song (elevenlabs). Not set: 120000.",
        ),
        Key::unset(
            "providers.{provider}.max_parts",
            "a whole number from 1 to 1000",
            "30",
            "Most parts of a plan of a song (elevenlabs). Not set: 30.",
        ),
        Key::unset(
            "providers.{provider}.max_part_lines",
            "a whole number from 1 to 1000",
            "30",
            "Most lines of words in a part (elevenlabs). Not set: 30.",
        ),
        Key::unset(
            "providers.{provider}.max_line_chars",
            "a whole number of characters from 20 to 10000",
            "200",
            "Longest line of words (elevenlabs). Not set: 200.",
        ),
        Key::unset(
            "providers.{provider}.max_part_name_chars",
            "a whole number of characters from 20 to 1000",
            "100",
            "Longest name of a part (elevenlabs). Not set: 100.",
        ),
        Key::unset(
            "providers.{provider}.max_styles",
            "a whole number from 10 to 1000",
            "50",
            "Most styles that a plan or a part names at once (elevenlabs). Not set: 50.",
        ),
        Key::unset(
            "providers.{provider}.max_seed",
            "a whole number from 1 to 9007199254740991",
            "2147483647",
            "Largest seed that it takes (elevenlabs). Not set: 2147483647.",
        ),
        Key::unset(
            "providers.{provider}.max_inline_bytes",
            "a whole number of bytes from 0 to 8388608",
            "256000",
            "Largest recording that goes along inside a request; a larger one is uploaded before (replicate). Not set: 256000.",
        ),
        Key::unset(
            "providers.{provider}.upload_kept_ms",
            "a whole number of milliseconds from 1800000 to 31536000000",
            "82800000",
            "How long it keeps what was uploaded (replicate). Not set: 82800000, an hour less than a day.",
        ),
        Key::unset(
            "providers.{provider}.arrival_ms",
            "a whole number of milliseconds from 30000 to 3600000",
            "300000",
            "How long a request whose answer was lost is looked for before it counts as never arrived and is made again \
             (replicate). Not set: 300000.",
        ),
        Key::unset(
            "providers.{provider}.known_within_ms",
            "a whole number of milliseconds from 0 to 3600000",
            "60000",
            "How long work that was just asked for may be unknown where it is looked at (replicate). Not set: 60000.",
        ),
        Key::unset(
            "providers.{provider}.min_look_ms",
            LOOK,
            "1000",
            "How soon a prediction is looked at again, at the earliest (replicate). Not set: 1000.",
        ),
        Key::unset(
            "providers.{provider}.max_look_ms",
            LOOK,
            "10000",
            "The same at the latest, and not below min_look_ms. Not set: 10000.",
        ),
        Key::unset(
            "providers.{provider}.min_training_look_ms",
            LOOK,
            "2000",
            "How soon a training is looked at again, at the earliest (replicate). Not set: 2000.",
        ),
        Key::unset(
            "providers.{provider}.max_training_look_ms",
            LOOK,
            "60000",
            "The same at the latest, and not below min_training_look_ms. Not set: 60000.",
        ),
        Key::unset(
            "providers.{provider}.currency",
            "three letters, ISO 4217",
            "\"USD\"",
            "Of the prices below; that of spending.currency where one of its limits is set. Not set: USD.",
        ),
        Key::unset(
            "providers.{provider}.prices_as_of",
            "a date such as 2026-11-01",
            "\"2026-11-01\"",
            "When the prices were read: every figure of cost says so.",
        ),
        Key::unset("providers.{provider}.price_per_call", PRICE, "0.01", "For each call. Not set: nothing."),
        Key::unset(
            "providers.{provider}.price_per_compute_second",
            PRICE,
            "0.000975",
            "For each second of the vendor's machine. Not set: nothing.",
        ),
        Key::unset(
            "providers.{provider}.price_per_audio_second",
            PRICE,
            "0.005",
            "For each second of sound. Not set: nothing.",
        ),
        Key::unset(
            "providers.{provider}.price_per_million_input_tokens",
            PRICE,
            "1.0",
            "For what a writer reads. Not set: nothing.",
        ),
        Key::unset(
            "providers.{provider}.price_per_million_output_tokens",
            PRICE,
            "5.0",
            "For what a writer writes. Not set: nothing.",
        ),
        Key::unset(
            "providers.{provider}.monthly_limit",
            LIMIT,
            "50",
            "Most that is spent with it in a UTC month: what would go beyond is done by the next provider. Where it has a key, it \
             wants a price of what it is used for, be it 0. Not set: no limit.",
        ),
    ],
};

pub const CAPABILITIES: Section = Section {
    name: "capabilities",
    about: "Who does what, in which order: the first that can is asked, and the next when it cannot or fails.",
    keys: &[
        Key::unset("capabilities.melody", NAMES, "[\"expert\", \"offline\"]", AUTOMATIC),
        Key::unset("capabilities.lyrics", NAMES, "[\"anthropic\", \"openai\", \"offline\"]", AUTOMATIC),
        Key::unset("capabilities.vocals", NAMES, "[\"replicate\", \"offline\"]", AUTOMATIC),
        Key::unset(
            "capabilities.accompaniment",
            NAMES,
            "[\"replicate\", \"offline\"]",
            "Who plays under a melody that is sung with a band. Not set: the engine alone, whose band is on the singer's beat.",
        ),
        Key::unset("capabilities.compositions", NAMES, "[\"elevenlabs\", \"replicate\", \"offline\"]", AUTOMATIC),
        Key::unset("capabilities.blends", NAMES, "[\"ml_model\", \"offline\"]", AUTOMATIC),
        Key::unset("capabilities.training", NAMES, "[\"replicate\"]", "Not set: all that are set up and can."),
    ],
};

pub const SPENDING: Section = Section {
    name: "spending",
    about: "What may be spent with vendors in a UTC month, in one currency. What would go beyond is done by the next \
            provider, or fails. A vendor with a key then wants a price of what it is used for, be it 0.",
    keys: &[
        Key::new("spending.currency", "\"USD\"", "three letters, ISO 4217", "\"EUR\"", "Of both limits."),
        Key::unset("spending.monthly_limit", LIMIT, "500", "For all users together. Not set: no limit."),
        Key::unset("spending.user_monthly_limit", LIMIT, "5", "For each user. Not set: no limit."),
    ],
};
