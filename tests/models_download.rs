//! The real download client against a model hub on the loopback interface.

#[path = "support/hub.rs"]
mod support;

use std::error::Error as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use support::{LoopbackHub, Reply, gguf, serve_file, sha256};
use viva::ErrorKind;
use viva::models::download::{Fetched, Patience, download};
use viva::models::hub::{Hub, HubFile};
use viva::models::progress::{Event, Observer, Silent};

const QUICK: Patience = Patience {
    attempts: 3,
    pause: Duration::from_millis(1),
};

fn file() -> HubFile {
    "hf:owner/repo/model-Q4_K_M.gguf".parse().unwrap()
}

fn fetch(hub: &LoopbackHub, folder: &Path) -> viva::Result<Fetched> {
    download(
        &Hub::new(&hub.address, None),
        &file(),
        folder,
        QUICK,
        &mut Silent,
    )
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_whole_file_arrives_checked_and_alone() {
    let bytes = gguf(3_000_000);
    let sum = sha256(&bytes);
    let hub = {
        let (bytes, sum) = (bytes.clone(), sum.clone());
        LoopbackHub::start(move |request| serve_file(request, &bytes, &sum))
    };
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(&hub, folder.path()).unwrap();
    assert_eq!(fetched.sha256, sum);
    assert!(fetched.verified);
    assert_eq!(std::fs::read(&fetched.path).unwrap(), bytes);
    assert_eq!(names(folder.path()), ["model-Q4_K_M.gguf"]);
    assert_eq!(
        hub.seen()[0].path,
        "/owner/repo/resolve/main/model-Q4_K_M.gguf"
    );
}

#[test]
fn a_cut_connection_is_taken_up_where_it_stopped() {
    let bytes = gguf(2_000_000);
    let sum = sha256(&bytes);
    let gets = AtomicUsize::new(0);
    let whole = bytes.clone();
    let hub = LoopbackHub::start(move |request| {
        let mut reply = serve_file(request, &whole, &sum);
        if request.method == "GET" && gets.fetch_add(1, Ordering::SeqCst) < 2 {
            reply.cut_after = Some(500_000);
        }
        reply
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(&hub, folder.path()).unwrap();
    assert_eq!(std::fs::read(&fetched.path).unwrap(), bytes);
    let ranges: Vec<Option<usize>> = hub
        .seen()
        .iter()
        .filter(|request| request.method == "GET")
        .map(support::Request::range)
        .collect();
    assert_eq!(ranges, [None, Some(500_000), Some(1_000_000)]);
}

#[test]
fn a_connection_that_keeps_failing_ends_with_advice_and_a_later_run_goes_on() {
    let bytes = gguf(900_000);
    let sum = sha256(&bytes);
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let hub = {
        let (bytes, broken) = (bytes.clone(), broken.clone());
        LoopbackHub::start(move |request| {
            let mut reply = serve_file(request, &bytes, &sum);
            if broken.load(Ordering::SeqCst) {
                reply.cut_after = Some(100_000);
            }
            reply
        })
    };
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&hub, folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(
        error.hints()[1].contains("300 kB are kept"),
        "{:?}",
        error.hints()
    );
    assert_eq!(
        names(folder.path()),
        ["model-Q4_K_M.gguf.part", "model-Q4_K_M.gguf.part.json"]
    );

    broken.store(false, Ordering::SeqCst);
    struct From(u64);
    impl Observer for From {
        fn on_event(&mut self, event: &Event<'_>) {
            if let Event::Started { from, .. } = event {
                self.0 = *from;
            }
        }
    }
    let mut started = From(0);
    let client = Hub::new(&hub.address, None);
    let fetched = download(&client, &file(), folder.path(), QUICK, &mut started).unwrap();
    assert_eq!(
        started.0, 300_000,
        "the second run begins where the first one ended"
    );
    assert_eq!(std::fs::read(fetched.path).unwrap(), bytes);
}

#[test]
fn a_wrong_checksum_is_an_error_and_leaves_nothing() {
    let bytes = gguf(10_000);
    let hub = LoopbackHub::start(move |request| serve_file(request, &bytes, &"0".repeat(64)));
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&hub, folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.to_string().contains("its checksum is wrong"));
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn a_file_that_changed_on_the_hub_is_fetched_anew() {
    let old = gguf(600_000);
    let new = gguf(700_000);
    let updated = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let hub = {
        let (old, new, updated) = (old.clone(), new.clone(), updated.clone());
        LoopbackHub::start(move |request| {
            if updated.load(Ordering::SeqCst) {
                return serve_file(request, &new, &sha256(&new));
            }
            let mut reply = serve_file(request, &old, &sha256(&old));
            reply.cut_after = Some(100_000);
            reply
        })
    };
    let folder = tempfile::tempdir().unwrap();
    fetch(&hub, folder.path()).unwrap_err();
    updated.store(true, Ordering::SeqCst);
    let fetched = fetch(&hub, folder.path()).unwrap();
    assert_eq!(std::fs::read(fetched.path).unwrap(), new);
    assert_eq!(hub.seen().last().unwrap().range(), None);
}

#[test]
fn a_server_without_ranges_is_coped_with() {
    let bytes = gguf(600_000);
    let gets = AtomicUsize::new(0);
    let whole = bytes.clone();
    let hub = LoopbackHub::start(move |request| {
        let mut request = request.clone();
        request.headers.remove("range");
        let mut reply = serve_file(&request, &whole, &sha256(&whole));
        if request.method == "GET" && gets.fetch_add(1, Ordering::SeqCst) == 0 {
            reply.cut_after = Some(200_000);
        }
        reply
    });
    let folder = tempfile::tempdir().unwrap();
    let fetched = fetch(&hub, folder.path()).unwrap();
    assert_eq!(std::fs::read(fetched.path).unwrap(), bytes);
}

#[test]
fn a_file_that_is_not_there_is_asked_for_once() {
    let hub = LoopbackHub::start(|_| Reply::status(404).header("X-Error-Code", "EntryNotFound"));
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&hub, folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the hub has no file model-Q4_K_M.gguf in owner/repo"
    );
    assert_eq!(hub.seen().len(), 1);
}

#[test]
fn a_gated_repository_says_how_to_get_in() {
    let hub = LoopbackHub::start(|_| Reply::status(401).header("X-Error-Code", "GatedRepo"));
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&hub, folder.path()).unwrap_err();
    assert!(error.to_string().contains("accept its licence"));
    assert!(error.hints()[1].contains("HF_TOKEN"));

    let client = Hub::new(&hub.address, Some("secret-token".into()));
    let error = download(&client, &file(), folder.path(), QUICK, &mut Silent).unwrap_err();
    assert!(error.hints()[1].contains("does not open it"));
    assert!(!format!("{error:?}").contains("secret-token"));
}

#[test]
fn the_token_goes_to_the_hub_and_not_to_the_storage_host() {
    let bytes = gguf(10_000);
    let sum = sha256(&bytes);
    let storage = {
        let bytes = bytes.clone();
        LoopbackHub::start(move |request| serve_file(request, &bytes, "of-the-storage-host"))
    };
    let target = format!("{}/blob?signature=x", storage.address);
    let size = bytes.len().to_string();
    let hub = LoopbackHub::start(move |_| {
        Reply::status(302)
            .header("Location", target.clone())
            .header("X-Linked-Etag", format!("\"{sum}\""))
            .header("X-Linked-Size", size.clone())
    });
    let folder = tempfile::tempdir().unwrap();
    let client = Hub::new(&hub.address, Some("secret-token".into()));
    let fetched = download(&client, &file(), folder.path(), QUICK, &mut Silent).unwrap();
    assert!(
        fetched.verified,
        "the checksum is the hub's, not the storage host's"
    );
    assert!(
        hub.seen()
            .iter()
            .all(|r| r.headers["authorization"] == "Bearer secret-token")
    );
    assert!(!storage.seen().is_empty());
    assert!(
        storage
            .seen()
            .iter()
            .all(|r| !r.headers.contains_key("authorization"))
    );
}

#[test]
fn redirects_in_a_circle_end() {
    let hub = LoopbackHub::start(|_| Reply::status(302).header("Location", "/again"));
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&hub, folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("redirects in a circle"));
}

#[test]
fn a_web_page_in_place_of_a_model_is_refused() {
    let hub = LoopbackHub::start(|_| Reply {
        body: b"<!DOCTYPE html>".to_vec(),
        ..Reply::status(200)
    });
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&hub, folder.path()).unwrap_err();
    assert!(error.to_string().contains("is no GGUF model"));
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn a_hub_that_is_not_reachable_is_tried_a_few_times() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago: nobody answers there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    struct Count(u32);
    impl Observer for Count {
        fn on_event(&mut self, event: &Event<'_>) {
            self.0 += u32::from(matches!(event, Event::Retrying { .. }));
        }
    }
    let mut retries = Count(0);
    let client = Hub::new(&format!("http://127.0.0.1:{port}"), None);
    let error = download(&client, &file(), folder.path(), QUICK, &mut retries).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(retries.0, 2);
}

#[test]
fn a_file_larger_than_the_free_space_is_not_begun() {
    let hub = LoopbackHub::start(|_| {
        Reply::status(200)
            .header("X-Linked-Etag", "\"x\"")
            .header("X-Linked-Size", (u64::MAX / 4).to_string())
    });
    let folder = tempfile::tempdir().unwrap();
    let error = fetch(&hub, folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("there is too little space"));
    assert!(hub.seen().iter().all(|request| request.method == "HEAD"));
}

/// A disk that is really full: `/dev/full` stands in for the part, so that the
/// kernel itself answers every write with "no space left on device".
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_nothing_is_put_in_place() {
    let bytes = gguf(600_000);
    let sum = sha256(&bytes);
    let hub = LoopbackHub::start(move |request| serve_file(request, &bytes, &sum));
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("model-Q4_K_M.gguf.part")).unwrap();
    let error = fetch(&hub, folder.path()).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Storage,
        "{error} {:?}",
        error.causes()
    );
    assert!(error.to_string().starts_with("the disk is full"), "{error}");
    assert!(error.source().is_some());
    assert!(!folder.path().join("model-Q4_K_M.gguf").exists());
}
