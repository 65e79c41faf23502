//! Keys of the platform: how to run, where things are, who may come in, how jobs are worked on.

use super::{Key, Section};

const PORT: &str = "a port number from 0 to 65535; 0 takes a free one";
const HOST: &str = "an IP address to listen on, or localhost";
const MS: &str = "a whole number of milliseconds, at least 1";
const BOOL: &str = "true or false";
const COUNT: &str = "a whole number, at least 1";

pub const GENERAL: Section = Section {
    name: "",
    about: "How to run.",
    keys: &[
        Key::new(
            "mode",
            "\"auto\"",
            "auto, embedded or distributed",
            "\"distributed\"",
            "Embedded: one process, SQLite, a folder, loopback only. Distributed: services over RabbitMQ, PostgreSQL and S3. Auto: distributed when a RabbitMQ address is set.",
        ),
        Key::new(
            "data_dir",
            "\"./descant-data\"",
            "a path without a question mark",
            "\"/var/lib/descant\"",
            "Where the embedded mode keeps its database and its objects.",
        ),
    ],
};

pub const HTTP: Section = Section {
    name: "http",
    about: "The gateway's HTTP, and the health and metrics of the other services.",
    keys: &[
        Key::new(
            "http.host",
            "\"127.0.0.1\"",
            HOST,
            "\"0.0.0.0\"",
            "The address to listen on. Anything but a loopback address needs an auth mode other than none.",
        ),
        Key::new("http.port", "3000", PORT, "8080", "The gateway's port."),
        Key::unset(
            "http.public_url",
            "an http or https address without user, password, query or fragment",
            "\"https://descant.example.org\"",
            "Where clients reach the gateway; links in answers begin with it. Not set: they begin with the name under which the gateway was asked, and are relative to it behind a proxy; set it there.",
        ),
        Key::new(
            "http.cors_origins",
            "[]",
            "a list of origins such as https://app.example.org, or * alone for all",
            "[\"https://app.example.org\"]",
            "Web pages from these origins may call the API.",
        ),
        Key::new(
            "http.allowed_hosts",
            "[]",
            "a list of names or addresses of hosts without a port, such as studio.lan",
            "[\"studio.lan\"]",
            "Names under which the embedded mode without tokens answers besides localhost, loopback addresses and the host of http.public_url. Other names are refused, because a web page could reach the server under a name of its own.",
        ),
        Key::new("http.upload_concurrency", "32", COUNT, "64", "Uploads that are received at once; more wait."),
        Key::new(
            "http.health_port",
            "9464",
            PORT,
            "9465",
            "Port of health and metrics of the services that have no HTTP of their own.",
        ),
        Key::new(
            "http.event_keepalive_ms",
            "15000",
            MS,
            "30000",
            "A silent event stream says something this often, so that proxies keep it open.",
        ),
        Key::new(
            "http.drain_ms",
            "25000",
            MS,
            "60000",
            "How long requests and stages on their way may take to end after a signal to stop.",
        ),
    ],
};

pub const DATABASE: Section = Section {
    name: "database",
    about: "Rows.",
    keys: &[
        Key::unset(
            "database.url",
            crate::database_url::EXPECTED,
            "\"postgres://descant:password@db.example.org/descant\"",
            "The database. Prisma's form works too, its connection_limit included. Not set: descant.db in data_dir; the distributed mode needs PostgreSQL.",
        )
        .env(&["DATABASE_URL"])
        .secret(),
        Key::new(
            "database.max_connections",
            "10",
            "a whole number from 1 to 1000",
            "20",
            "Connections that one process opens. A connection_limit in the address counts when this is not set.",
        ),
    ],
};

pub const RABBITMQ: Section = Section {
    name: "rabbitmq",
    about: "The broker of the distributed mode.",
    keys: &[
        Key::unset(
            "rabbitmq.url",
            "amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps:// for TLS",
            "\"amqp://descant:password@mq.example.org:5672/%2f\"",
            "The broker. Not set: the embedded mode, which needs none.",
        )
        .env(&["RABBITMQ_URL"])
        .secret(),
        Key::new(
            "rabbitmq.prefetch",
            "8",
            "a whole number from 1 to 65535",
            "16",
            "Messages that one consumer works on at once.",
        ),
    ],
};

pub const OBJECTS: Section = Section {
    name: "objects",
    about: "Uploads, work files and results.",
    keys: &[
        Key::new(
            "objects.backend",
            "\"auto\"",
            "auto, folder or s3",
            "\"s3\"",
            "Auto: s3 in the distributed mode, a folder in the embedded one. The distributed mode needs s3.",
        ),
        Key::unset(
            "objects.path",
            "a path",
            "\"/var/lib/descant/objects\"",
            "The folder. Not set: objects in data_dir.",
        ),
        Key::unset(
            "objects.s3_endpoint",
            "an http or https address without user, password, query or fragment",
            "\"https://s3.example.org\"",
            "A server that speaks S3. Not set: AWS.",
        )
        .env(&["S3_ENDPOINT"]),
        Key::new("objects.s3_region", "\"us-east-1\"", "a region's name", "\"eu-central-1\"", "The bucket's region.")
            .env(&["S3_REGION", "AWS_REGION"]),
        Key::unset(
            "objects.s3_bucket",
            "a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens",
            "\"descant\"",
            "The bucket. Needed for s3.",
        )
        .env(&["S3_BUCKET"]),
        Key::unset("objects.s3_access_key_id", "an access key's id", "\"AKIA...\"", "Needed for s3.")
            .env(&["S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"])
            .secret(),
        Key::unset("objects.s3_secret_access_key", "an access key's secret", "\"...\"", "Needed for s3.")
            .env(&["S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"])
            .secret(),
        Key::unset(
            "objects.s3_path_style",
            "true or false",
            "true",
            "Whether the bucket stands in the path and not in the host. Not set: true when s3_endpoint is set.",
        )
        .env(&["S3_PATH_STYLE"]),
        Key::new(
            "objects.presign_seconds",
            "3600",
            "a whole number of seconds from 1 to 604800 (seven days, S3's own limit)",
            "900",
            "How long a signed link to a result works.",
        ),
        Key::new(
            "objects.part_size_bytes",
            "8388608",
            "a whole number of bytes from 5242880 (5 MiB, S3's own limit) to 1073741824",
            "16777216",
            "Objects above this are sent to S3 in parts of this size, each held in memory once.",
        ),
    ],
};

pub const AUTH: Section = Section {
    name: "auth",
    about: "Who may come in.",
    keys: &[
        Key::unset(
            "auth.mode",
            "none (embedded only), hs256 or jwks",
            "\"jwks\"",
            "none: one local user. hs256: tokens signed with a shared secret. jwks: tokens signed with published keys. Not set: by which of secret and jwks_url is set; none in the embedded mode with neither.",
        ),
        Key::unset("auth.secret", "a text of at least 32 bytes", "\"...\"", "The shared secret of hs256.").secret(),
        Key::unset(
            "auth.jwks_url",
            "an https address (http only to a loopback address) without user, password or fragment",
            "\"https://id.example.org/.well-known/jwks.json\"",
            "Where the keys of jwks are published.",
        ),
        Key::unset(
            "auth.issuer",
            "a text",
            "\"https://id.example.org/\"",
            "Tokens must carry this as iss. Not set: any issuer.",
        ),
        Key::unset("auth.audience", "a text", "\"descant\"", "Tokens must carry this as aud. Not set: any audience."),
        Key::new(
            "auth.leeway_seconds",
            "30",
            "a whole number of seconds from 0 to 600",
            "60",
            "How far clocks may differ when a token's times are checked.",
        ),
        Key::new(
            "auth.tier_claim",
            "\"tier\"",
            "a claim's name",
            "\"plan\"",
            "The claim that names the user's tier; without it a user is free.",
        ),
        Key::new(
            "auth.role_claim",
            "\"roles\"",
            "a claim's name",
            "\"groups\"",
            "The claim that lists the user's roles.",
        ),
        Key::new(
            "auth.admin_role",
            "\"admin\"",
            "a role's name",
            "\"descant-operator\"",
            "The role that may use the operator endpoints.",
        ),
        Key::unset(
            "auth.operator_token",
            "a text of at least 32 bytes",
            "\"...\"",
            "A bearer token that may use the operator endpoints. Not set: only users with the admin role may.",
        )
        .secret(),
    ],
};

pub const JOBS: Section = Section {
    name: "jobs",
    about: "How an orchestrator works on jobs.",
    keys: &[
        Key::new(
            "jobs.concurrency",
            "3",
            "a whole number from 1 to 1000",
            "6",
            "Jobs that one orchestrator works on at once.",
        )
        .env(&["QUEUE_CONCURRENCY"]),
        Key::new("jobs.rate_per_minute", "10", COUNT, "60", "Jobs that one orchestrator starts in any minute.")
            .env(&["QUEUE_RATE_LIMIT"]),
        Key::new(
            "jobs.deadline_ms",
            "300000",
            MS,
            "600000",
            "A job that is not done this long after its first start expires.",
        ),
        Key::new(
            "jobs.max_attempts",
            "3",
            "a whole number from 1 to 100",
            "5",
            "Attempts at a stage, the first included.",
        ),
        Key::new(
            "jobs.retry_base_ms",
            "5000",
            MS,
            "10000",
            "Wait after the first failed attempt; each further one doubles it.",
        ),
        Key::new("jobs.retry_cap_ms", "300000", MS, "120000", "Longest wait between attempts."),
        Key::new(
            "jobs.lease_ms",
            "30000",
            MS,
            "60000",
            "A job whose orchestrator is silent for this long is taken over by another.",
        ),
        Key::new(
            "jobs.heartbeat_ms",
            "10000",
            "a whole number of milliseconds, at least 1 and at most half of jobs.lease_ms",
            "15000",
            "How often an orchestrator renews its leases.",
        ),
        Key::new(
            "jobs.reconcile_ms",
            "5000",
            MS,
            "10000",
            "How often to look for due retries, expired leases and passed deadlines.",
        ),
        Key::new(
            "jobs.cancel_poll_ms",
            "250",
            "a whole number of milliseconds from 1 to 1000",
            "500",
            "How often a running job looks whether it is to stop, should the message about it be late.",
        ),
        Key::new(
            "jobs.outbox_poll_ms",
            "1000",
            MS,
            "500",
            "How often to look for unpublished messages, besides being told of new ones.",
        ),
    ],
};

pub const PROVIDERS: Section = Section {
    name: "providers",
    about: "Who extracts melodies, writes lyrics and sings.",
    keys: &[
        Key::unset(
            "providers.expert_url",
            "an http or https address without user, password, query or fragment",
            "\"http://localhost:8003\"",
            "The expert service. Not set: the engine works in the orchestrator's own process.",
        )
        .env(&["EXPERT_MUSIC_AI_URL"]),
        Key::unset(
            "providers.ml_model_url",
            "an http or https address without user, password, query or fragment",
            "\"http://localhost:8000\"",
            "An older name of providers.ml_model.base_url, the address of a model that blends songs (`POST generate`). Neither \
             set: the engine blends them.",
        ),
        Key::unset(
            "providers.ml_model_api_key",
            "the key that the model asks for",
            "\"...\"",
            "An older name of providers.ml_model.api_key: sent to the model as a bearer token. Neither set: none is sent.",
        )
        .secret(),
        Key::new(
            "providers.ml_model_plays",
            "false",
            BOOL,
            "true",
            "An older name of providers.ml_model.plays.",
        ),
        Key::new(
            "providers.call_timeout_ms",
            "180000",
            MS,
            "240000",
            "Longest time that one call of a provider may take.",
        )
        .env(&["MELODY_VOCALS_TIMEOUT"]),
        Key::new(
            "providers.call_attempts",
            "3",
            "a whole number from 1 to 100",
            "5",
            "Attempts at one call within a stage, the first included.",
        )
        .env(&["MELODY_VOCALS_RETRIES"]),
        Key::new(
            "providers.call_base_ms",
            "2000",
            MS,
            "1000",
            "Wait after the first failed call; each further one doubles it.",
        ),
        Key::new(
            "providers.breaker_threshold",
            "5",
            COUNT,
            "10",
            "Failures in a row after which a provider is left alone for a while.",
        )
        .env(&["CIRCUIT_BREAKER_THRESHOLD"]),
        Key::new(
            "providers.breaker_open_ms",
            "60000",
            MS,
            "30000",
            "How long it is left alone before one call tries it again.",
        )
        .env(&["CIRCUIT_BREAKER_TIMEOUT"]),
        Key::new(
            "providers.offline_fallback",
            "true",
            BOOL,
            "false",
            "Whether the engine in the orchestrator's own process takes over when the expert service cannot.",
        ),
        Key::new(
            "providers.engine_threads",
            "0",
            "a whole number from 0 to 256; 0 takes as many as there are processors",
            "4",
            "Threads for the offline engine's signal processing.",
        ),
    ],
};

pub const LOG: Section = Section {
    name: "log",
    about: "Log lines, on standard error.",
    keys: &[
        Key::new(
            "log.level",
            "\"info\"",
            "trace, debug, info, warn, error or off, or directives such as info,orchestrator=debug",
            "\"debug\"",
            "How much to log. A word is for our own crates; libraries stay at warn, because their lines may hold secrets.",
        )
        .env(&["LOG_LEVEL"]),
        Key::new(
            "log.format",
            "\"auto\"",
            "auto, json or pretty",
            "\"json\"",
            "Auto: json in the distributed mode, pretty in the embedded one.",
        ),
    ],
};
