//! Paths with the methods that they take.

use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, web};

use crate::problem::ApiError;

/// A path to read from: GET, and HEAD, which is the same without the body (RFC 9110, section 9.3.2).
pub fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args> + Clone,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    takes("GET, HEAD", path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

/// A path that does something.
pub fn posted<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    takes("POST", path).route(web::post().to(handler))
}

/// A path to read from, and to do something.
pub fn both<R, ReadArgs, P, PostArgs>(path: &str, reads: R, posts: P) -> Resource
where
    R: Handler<ReadArgs> + Clone,
    ReadArgs: FromRequest + 'static,
    R::Output: Responder + 'static,
    P: Handler<PostArgs>,
    PostArgs: FromRequest + 'static,
    P::Output: Responder + 'static,
{
    let path = takes("GET, HEAD, POST", path);
    path.route(web::get().to(reads.clone())).route(web::head().to(reads)).route(web::post().to(posts))
}

/// A path whose other methods are answered with 405 and the ones that it takes.
pub fn takes(allow: &'static str, path: &str) -> Resource {
    let others = web::to(move || async move { Err::<HttpResponse, _>(ApiError::MethodNotAllowed { allow }) });
    web::resource(path).default_service(others)
}

/// Queries that cannot be read are answered like every other mistake.
pub fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|error, _| {
        ApiError::InvalidBody { detail: format!("The query cannot be read: {error}.") }.into()
    })
}
