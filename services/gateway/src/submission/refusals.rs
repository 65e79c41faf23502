//! What a submission may be answered instead of 202, as the OpenAPI document tells it of every kind.

use utoipa::IntoResponses;

use crate::problem::Problem;

#[derive(IntoResponses)]
#[allow(dead_code, reason = "only describes answers for the OpenAPI document")]
pub enum Refusals {
    #[response(
        status = 400,
        description = "A field, its words or a file is refused",
        content_type = "application/problem+json"
    )]
    Refused(Problem),
    #[response(status = 401, description = "", content_type = "application/problem+json")]
    Unauthenticated(Problem),
    #[response(
        status = 409,
        description = "The first request with this key still runs",
        content_type = "application/problem+json"
    )]
    InFlight(Problem),
    #[response(status = 413, description = "Too large", content_type = "application/problem+json")]
    TooLarge(Problem),
    #[response(status = 415, description = "Not an accepted format", content_type = "application/problem+json")]
    UnsupportedFormat(Problem),
    #[response(
        status = 422,
        description = "The key belongs to another request",
        content_type = "application/problem+json"
    )]
    OtherRequest(Problem),
    #[response(
        status = 429,
        description = "Quota used up, or too many uploads at once",
        content_type = "application/problem+json"
    )]
    TooMany(Problem),
    #[response(
        status = 503,
        description = "Something that it needs is away",
        content_type = "application/problem+json"
    )]
    Away(Problem),
}
