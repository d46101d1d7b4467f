//! The model hub: names of files, addresses, credentials and single requests.
//! What is done with the bytes is the business of [`super::download`].
//!
//! Redirects are followed here and not by the HTTP client, for two reasons: the
//! hub gives checksum and size on its own first answer, before it hands over
//! to a storage host; and the token must never reach that host.

use std::fmt;
use std::io::Read;
use std::str::FromStr;
use std::time::Duration;

use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

use crate::{Error, Result};

/// Where models are fetched from unless `HF_ENDPOINT` says otherwise.
const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
/// Longest chain of redirects.
const MOST_REDIRECTS: usize = 10;
/// A server that takes longer to accept a connection is taken for absent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// A connection silent for so long is taken for cut.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// A file of the hub: `hf:OWNER/REPOSITORY[@REVISION]/PATH.gguf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubFile {
    /// `OWNER/REPOSITORY`.
    pub repository: String,
    /// Branch, tag or commit.
    pub revision: String,
    /// The file's path in the repository.
    pub path: String,
}

impl HubFile {
    /// Returns the file `path` of the main branch.
    pub fn new(repository: &str, path: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            revision: "main".to_owned(),
            path: path.to_owned(),
        }
    }

    /// Returns the file's name without folders.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl fmt::Display for HubFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hf:{}", self.repository)?;
        if self.revision != "main" {
            write!(f, "@{}", self.revision)?;
        }
        write!(f, "/{}", self.path)
    }
}

impl FromStr for HubFile {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || {
            Error::usage(format!("{text:?} does not name a file of the hub"))
                .hint("Write hf:OWNER/REPOSITORY/FILE.gguf, with @REVISION after the repository if you want one.")
        };
        let rest = text.strip_prefix("hf:").ok_or_else(bad)?;
        let mut parts = rest.splitn(3, '/');
        let (Some(owner), Some(repository), Some(path)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(bad());
        };
        let (repository, revision) = repository.split_once('@').unwrap_or((repository, "main"));
        let plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if ![owner, repository, revision].into_iter().all(plain)
            || !path.split('/').all(plain)
            || !path.to_ascii_lowercase().ends_with(".gguf")
        {
            return Err(bad());
        }
        Ok(Self {
            repository: format!("{owner}/{repository}"),
            revision: revision.to_owned(),
            path: path.to_owned(),
        })
    }
}

/// What the hub says of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Changes when the file changes.
    pub etag: Option<String>,
    /// Bytes of the file.
    pub size: Option<u64>,
}

impl Metadata {
    /// Returns the file's SHA-256 where the hub gives it: for large files the
    /// tag is the checksum.
    pub fn sha256(&self) -> Option<&str> {
        self.etag
            .as_deref()
            .filter(|tag| tag.len() == 64 && tag.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// A request that failed: for good, or worth another attempt.
#[derive(Debug)]
pub enum Failure {
    /// Another attempt would fail too.
    Final(Error),
    /// The connection failed; the text says how.
    Passing(String),
}

/// Bytes of a file, from `start` on.
pub struct Stream {
    /// Where the bytes begin.
    pub start: u64,
    /// The bytes.
    pub body: Box<dyn Read + Send>,
}

/// A hub to fetch from.
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    agent: Agent,
}

impl Hub {
    /// Returns the hub that `HF_ENDPOINT` names, with the token of `HF_TOKEN`,
    /// reached through the proxy of the usual variables.
    pub fn from_environment() -> Self {
        let set = |name: &str| {
            std::env::var(name)
                .ok()
                .map(|v| v.trim().to_owned())
                .filter(|v| !v.is_empty())
        };
        Self::new(
            &set("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned()),
            set("HF_TOKEN"),
        )
    }

    /// Returns the hub at `endpoint`.
    pub fn new(endpoint: &str, token: Option<String>) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .accept_encoding("identity")
            .user_agent(concat!("viva/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(SILENCE_TIMEOUT))
            .timeout_per_read(Some(SILENCE_TIMEOUT))
            .build()
            .new_agent();
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token,
            agent,
        }
    }

    /// Returns the address of a file.
    pub fn address(&self, file: &HubFile) -> String {
        format!(
            "{}/{}/resolve/{}/{}",
            self.endpoint, file.repository, file.revision, file.path
        )
    }

    /// Asks for size and tag of a file.
    ///
    /// # Errors
    /// [`Failure::Final`] when the file is not there or not ours to fetch.
    pub fn metadata(&self, file: &HubFile) -> Result<Metadata, Failure> {
        let mut metadata = Metadata::default();
        let response = self.follow("HEAD", file, None, |answer| {
            let text = |name: &str| answer.headers().get(name)?.to_str().ok();
            let tag = |name: &str| text(name).map(|t| t.trim_start_matches("W/").trim_matches('"'));
            let length = |name: &str| text(name)?.parse::<u64>().ok();
            // The first answer that says something is the hub's own; what the
            // storage host says later is about its copy.
            if metadata.etag.is_none() {
                metadata.etag = tag("x-linked-etag").map(str::to_owned);
                metadata.size = length("x-linked-size");
            }
            if answer.status() == StatusCode::OK {
                if metadata.etag.is_none() {
                    metadata.etag = tag("etag").map(str::to_owned);
                }
                if metadata.size.is_none() {
                    metadata.size = length("content-length");
                }
            }
        })?;
        check_status(&response, file, self.token.is_some())?;
        Ok(metadata)
    }

    /// Asks for the bytes of a file from `start` on. The answer may begin at 0
    /// all the same: a server need not support ranges.
    ///
    /// # Errors
    /// As [`Hub::metadata`].
    pub fn bytes(&self, file: &HubFile, start: u64) -> Result<Stream, Failure> {
        let response = self.follow("GET", file, Some(start), |_| {})?;
        check_status(&response, file, self.token.is_some())?;
        let begins = if response.status() == StatusCode::PARTIAL_CONTENT {
            let range = response
                .headers()
                .get(header::CONTENT_RANGE)
                .and_then(|value| value.to_str().ok())
                .and_then(|text| text.strip_prefix("bytes "))
                .and_then(|text| text.split('-').next())
                .and_then(|text| text.parse::<u64>().ok());
            match range {
                Some(begin) if begin == start => begin,
                _ => {
                    return Err(Failure::Passing(
                        "the server sent another part of the file than was asked for".to_owned(),
                    ));
                }
            }
        } else {
            0
        };
        Ok(Stream {
            start: begins,
            body: Box::new(response.into_body().into_reader()),
        })
    }

    /// Sends a request and follows redirects; `seen` is shown every answer. The
    /// token goes to the hub's own host only.
    fn follow(
        &self,
        method: &str,
        file: &HubFile,
        start: Option<u64>,
        mut seen: impl FnMut(&Response<Body>),
    ) -> Result<Response<Body>, Failure> {
        let mut address = self.address(file);
        let home = authority(&address);
        for _ in 0..=MOST_REDIRECTS {
            let mut request = if method == "HEAD" {
                self.agent.head(&address)
            } else {
                self.agent.get(&address)
            };
            if let Some(token) = self
                .token
                .as_deref()
                .filter(|_| authority(&address) == home)
            {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            if let Some(start) = start.filter(|start| *start > 0) {
                request = request.header(header::RANGE, format!("bytes={start}-"));
            }
            let response = request.call().map_err(|error| self.failed(error))?;
            seen(&response);
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED
            {
                return Ok(response);
            }
            let target = response
                .headers()
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|target| join(&address, target))
                .ok_or_else(|| {
                    Failure::Final(
                        Error::network(format!("{} redirects to nowhere", host_of(&address)))
                            .hint("Check HF_ENDPOINT: it must name a model hub."),
                    )
                })?;
            if address.starts_with("https:") && !target.starts_with("https:") {
                return Err(Failure::Final(
                    Error::network(format!(
                        "{} redirects to an unencrypted address",
                        host_of(&address)
                    ))
                    .hint("Nothing was fetched. Try again later, or fetch the file by hand and use: viva models import PATH"),
                ));
            }
            address = target;
        }
        Err(Failure::Final(
            Error::network(format!(
                "{} redirects in a circle",
                host_of(&self.address(file))
            ))
            .hint("Check HF_ENDPOINT: it must name a model hub."),
        ))
    }

    fn failed(&self, error: ureq::Error) -> Failure {
        let host = host_of(&self.endpoint);
        match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Failure::Final(
                Error::usage(format!("{} is not an address to fetch from", self.endpoint))
                    .caused_by(error)
                    .hint("Correct HF_ENDPOINT, or unset it to use the usual hub."),
            ),
            ureq::Error::InvalidProxyUrl => Failure::Final(
                Error::usage("the proxy's address is not valid")
                    .caused_by(error)
                    .hint("Correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY."),
            ),
            error => Failure::Passing(format!("{host}: {error}")),
        }
    }
}

fn authority(address: &str) -> Option<(Option<String>, String)> {
    let uri: Uri = address.parse().ok()?;
    Some((
        uri.scheme_str().map(str::to_owned),
        uri.authority()?.as_str().to_ascii_lowercase(),
    ))
}

fn host_of(address: &str) -> String {
    authority(address).map_or_else(|| address.to_owned(), |(_, host)| host)
}

/// Returns the address that a redirect's target means, seen from `base`.
fn join(base: &str, target: &str) -> Option<String> {
    if target.starts_with("http://") || target.starts_with("https://") {
        return Some(target.to_owned());
    }
    let (scheme, host) = authority(base)?;
    let scheme = scheme?;
    if let Some(rest) = target.strip_prefix("//") {
        Some(format!("{scheme}://{rest}"))
    } else if target.starts_with('/') {
        Some(format!("{scheme}://{host}{target}"))
    } else {
        None
    }
}

fn check_status(response: &Response<Body>, file: &HubFile, token: bool) -> Result<(), Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let says = |code: &str| {
        response
            .headers()
            .get("x-error-code")
            .is_some_and(|value| value.as_bytes() == code.as_bytes())
    };
    let error = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let error = if says("GatedRepo") {
                Error::network(format!(
                    "{} asks you to accept its licence first",
                    file.repository
                ))
                .hint("Open the repository's page in a browser, sign in and accept the licence.")
            } else {
                Error::network(format!(
                    "the hub does not give out {} (status {})",
                    file.repository,
                    status.as_u16()
                ))
                .hint("The repository may be private, gated or not exist: check its name.")
            };
            if token {
                error.hint("The token in HF_TOKEN does not open it: check that it may read this repository.")
            } else {
                error.hint("Then create a read token on the hub and set HF_TOKEN to it.")
            }
        }
        StatusCode::NOT_FOUND => Error::network(if says("RepoNotFound") {
            format!("the hub has no repository {}", file.repository)
        } else {
            format!("the hub has no file {} in {}", file.path, file.repository)
        })
        .hint("Check owner, repository and file name; capitals count."),
        StatusCode::RANGE_NOT_SATISFIABLE => {
            return Err(Failure::Passing(
                "the file is shorter than what is here".to_owned(),
            ));
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            return Err(Failure::Passing(format!(
                "the hub answers with status {}",
                status.as_u16()
            )));
        }
        status if status.is_server_error() => {
            return Err(Failure::Passing(format!(
                "the hub answers with status {}",
                status.as_u16()
            )));
        }
        status => Error::network(format!(
            "the hub answers with status {} for {file}",
            status.as_u16()
        ))
        .hint("Check HF_ENDPOINT: it must name a model hub."),
    };
    Err(Failure::Final(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_name_is_read_with_folders_and_revision() {
        let file: HubFile = "hf:a/b@v1.0/sub/c-Q4.gguf".parse().unwrap();
        assert_eq!(file.repository, "a/b");
        assert_eq!(file.revision, "v1.0");
        assert_eq!(file.path, "sub/c-Q4.gguf");
        assert_eq!(file.file_name(), "c-Q4.gguf");
        assert_eq!(file.to_string(), "hf:a/b@v1.0/sub/c-Q4.gguf");
        assert_eq!(
            "hf:a/b/c.gguf".parse::<HubFile>().unwrap().to_string(),
            "hf:a/b/c.gguf"
        );
    }

    #[test]
    fn a_name_that_is_no_hub_file_is_refused_with_the_form() {
        for name in [
            "a/b/c.gguf",
            "hf:a/b",
            "hf:a/b/c.txt",
            "hf:a/../c.gguf",
            "hf:a/b/../c.gguf",
            "hf:/b/c.gguf",
            "hf:a/b?x/c.gguf",
            "hf:a/b/c d.gguf",
            "hf:a/b@/c.gguf",
        ] {
            let error = name.parse::<HubFile>().unwrap_err();
            assert!(
                error.hints()[0].contains("hf:OWNER/REPOSITORY/FILE.gguf"),
                "{name}"
            );
        }
    }

    #[test]
    fn only_a_tag_of_64_hexadecimal_digits_is_a_checksum() {
        let of = |tag: &str| Metadata {
            etag: Some(tag.into()),
            size: None,
        };
        assert!(of(&"a".repeat(64)).sha256().is_some());
        assert!(of(&"a".repeat(40)).sha256().is_none());
        assert!(of(&"g".repeat(64)).sha256().is_none());
    }

    #[test]
    fn redirects_are_joined_to_the_host_they_come_from() {
        let base = "https://hub.example:8443/a/b";
        assert_eq!(join(base, "/c").unwrap(), "https://hub.example:8443/c");
        assert_eq!(
            join(base, "//cdn.example/c").unwrap(),
            "https://cdn.example/c"
        );
        assert_eq!(join(base, "http://x/c").unwrap(), "http://x/c");
        assert_eq!(join(base, "c"), None);
    }
}
