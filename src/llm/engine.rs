//! The handle of the engine: starts its thread, waits for models, and gives
//! them out behind the traits of [`super::api`].

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};

use super::actor::{self, Board, Checked, Job, Plan, Ready, Target};
use super::api::*;
use super::options::{EngineOptions, LoadProgress};
use super::preflight::{self, USUAL_CONTEXT};

/// Calls that may wait for the engine's thread.
const WAITING: usize = 16;
/// Room for what recursion in the library's tokenisers may need.
const STACK: usize = 64 << 20;

/// A running engine. Clones share it; the last one (or the last model handed
/// out) to go stops the thread and waits for it.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    shutdown: Arc<AtomicBool>,
    board: Board,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Judges the files, starts the engine's thread and returns at once: the
    /// thread loads in the background.
    ///
    /// # Errors
    /// [`EngineError::BadModel`] when a file's header already tells that it
    /// cannot be used; [`EngineError::Library`] when no thread can be started.
    pub fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let plan = plan(options)?;
        let board = Board {
            progress: watch::Sender::new(LoadProgress::default()),
            chat: state(plan.chat.is_some()),
            reader: state(plan.reader.is_some()),
            embedder: state(plan.embedder.is_some()),
            matcher: state(plan.matcher.is_some()),
            ranker: state(plan.ranker.is_some()),
        };
        let (sender, receiver) = mpsc::channel(WAITING);
        let shutdown = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new()
            .name("viva-engine".to_owned())
            .stack_size(STACK)
            .spawn({
                let (board, shutdown) = (board.clone(), Arc::clone(&shutdown));
                move || actor::run(plan, &board, receiver, &shutdown)
            })
            .map_err(|error| EngineError::Library(format!("no thread: {error}")))?;
        Ok(Self(Arc::new(Shared {
            jobs: Mutex::new(Some(sender)),
            shutdown,
            board,
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Returns a channel that always holds the latest state of loading.
    pub fn progress(&self) -> watch::Receiver<LoadProgress> {
        self.0.board.progress.subscribe()
    }

    /// Waits for the chat model.
    ///
    /// # Errors
    /// What went wrong while it was loaded; [`EngineError::Stopped`] when none
    /// was asked for.
    pub async fn chat(&self) -> Result<Arc<dyn ChatModel>, EngineError> {
        let info = ready(&self.0.board.chat).await?;
        Ok(Arc::new(Handle {
            engine: self.clone(),
            info,
            target: Target::Chat,
        }))
    }

    /// Waits for the tuned reader.
    ///
    /// # Errors
    /// As [`Engine::chat`].
    pub async fn reader(&self) -> Result<Arc<dyn ChatModel>, EngineError> {
        let info = ready(&self.0.board.reader).await?;
        Ok(Arc::new(Handle {
            engine: self.clone(),
            info,
            target: Target::Reader,
        }))
    }

    /// Waits for the embedder.
    ///
    /// # Errors
    /// As [`Engine::chat`].
    pub async fn embedder(&self) -> Result<Arc<dyn Embedder>, EngineError> {
        let info = ready(&self.0.board.embedder).await?;
        Ok(Arc::new(Handle {
            engine: self.clone(),
            info,
            target: Target::Embedder,
        }))
    }

    /// Waits for the tuned encoder that reads an answer beside what is looked
    /// for.
    ///
    /// # Errors
    /// As [`Engine::chat`].
    pub async fn matcher(&self) -> Result<Arc<dyn Embedder>, EngineError> {
        let info = ready(&self.0.board.matcher).await?;
        Ok(Arc::new(Handle {
            engine: self.clone(),
            info,
            target: Target::Matcher,
        }))
    }

    /// Waits for the cross-encoder.
    ///
    /// # Errors
    /// As [`Engine::chat`].
    pub async fn ranker(&self) -> Result<Arc<dyn Ranker>, EngineError> {
        let info = ready(&self.0.board.ranker).await?;
        Ok(Arc::new(Handle {
            engine: self.clone(),
            info,
            target: Target::Chat,
        }))
    }

    /// Stops loading or the call in progress, drops contexts, models and
    /// library in that order, and waits for that. Later calls answer
    /// [`EngineError::Stopped`].
    pub fn shutdown(&self) {
        self.0.stop();
    }

    async fn call<T>(
        &self,
        cancel: &Cancel,
        job: impl FnOnce(oneshot::Sender<Result<T, EngineError>>) -> Job,
    ) -> Result<T, EngineError> {
        if cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let jobs = lock(&self.0.jobs).clone().ok_or(EngineError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        jobs.send(job(reply))
            .await
            .map_err(|_| EngineError::Stopped)?;
        drop(jobs);
        answer.await.map_err(|_| EngineError::Stopped)?
    }
}

impl Shared {
    fn stop(&self) {
        self.shutdown.store(true, Ordering::Release);
        lock(&self.jobs).take();
        if let Some(thread) = lock(&self.thread).take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One model of the engine.
struct Handle {
    engine: Engine,
    info: ModelInfo,
    target: Target,
}

#[async_trait]
impl ChatModel for Handle {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        sink: Option<mpsc::Sender<String>>,
        cancel: Cancel,
    ) -> Result<Generated, EngineError> {
        if cancel.is_cancelled() {
            return Ok(Generated {
                text: String::new(),
                finish: Finish::Cancelled,
                usage: Usage::default(),
            });
        }
        let flag = cancel.clone();
        let (generated, left) = self
            .engine
            .call(&flag, |reply| Job::Generate {
                target: self.target,
                request: Box::new(request),
                sink: sink.clone(),
                cancel,
                reply,
            })
            .await?;
        if let Some(sink) = sink
            && !left.is_empty()
        {
            let _ = sink.send(left).await;
        }
        Ok(generated)
    }

    async fn branch(
        &self,
        request: BranchRequest,
        cancel: Cancel,
    ) -> Result<BranchLogits, EngineError> {
        let flag = cancel.clone();
        let target = self.target;
        self.engine
            .call(&flag, |reply| Job::Branch {
                target,
                request,
                cancel,
                reply,
            })
            .await
    }
}

#[async_trait]
impl Embedder for Handle {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn embed(
        &self,
        texts: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let flag = cancel.clone();
        let target = self.target;
        self.engine
            .call(&flag, |reply| Job::Embed {
                target,
                texts,
                cancel,
                reply,
            })
            .await
    }

    async fn embed_tokens(
        &self,
        texts: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<TokenVectors>, EngineError> {
        let flag = cancel.clone();
        let target = self.target;
        self.engine
            .call(&flag, |reply| Job::EmbedTokens {
                target,
                texts,
                cancel,
                reply,
            })
            .await
    }
}

#[async_trait]
impl Ranker for Handle {
    async fn rank(
        &self,
        query: String,
        documents: Vec<String>,
        cancel: Cancel,
    ) -> Result<Vec<f32>, EngineError> {
        let flag = cancel.clone();
        self.engine
            .call(&flag, |reply| Job::Rank {
                query,
                documents,
                cancel,
                reply,
            })
            .await
    }
}

/// A model that was not asked for is answered at once.
fn state(asked: bool) -> watch::Sender<Ready> {
    watch::Sender::new((!asked).then_some(Err(EngineError::Stopped)))
}

async fn ready(state: &watch::Sender<Ready>) -> Result<ModelInfo, EngineError> {
    let mut state = state.subscribe();
    let ready = state
        .wait_for(Option::is_some)
        .await
        .map_err(|_| EngineError::Stopped)?;
    match &*ready {
        Some(result) => result.clone(),
        None => Err(EngineError::Stopped),
    }
}

/// Judges every file before anything is loaded.
fn plan(options: EngineOptions) -> Result<Plan, EngineError> {
    let mut available = available_memory();
    let mut take = |path: &Path,
                    header: &super::gguf::Header,
                    context: Option<u32>|
     -> Result<preflight::Needs, EngineError> {
        let needs = preflight::fit(path, header, options.kv_type, context, available)?;
        available = available.saturating_sub(needs.weights_bytes + needs.kv_bytes);
        Ok(needs)
    };
    let mut plan = Plan::default();
    for (path, place) in [
        (&options.embedder, &mut plan.embedder),
        (&options.matcher, &mut plan.matcher),
    ] {
        let Some(path) = path else { continue };
        let header = preflight::inspect(path)?;
        preflight::check_embedder(path, &header)?;
        let needs = take(path, &header, Some(512))?;
        *place = Some(Checked {
            path: path.clone(),
            header,
            needs,
        });
    }
    if let Some(path) = &options.ranker {
        let header = preflight::inspect(path)?;
        preflight::check_ranker(path, &header)?;
        let needs = take(path, &header, Some(512))?;
        plan.ranker = Some(Checked {
            path: path.clone(),
            header,
            needs,
        });
    }
    if let Some(path) = &options.chat {
        let header = preflight::inspect(path)?;
        preflight::check_chat(path, &header)?;
        let needs = take(path, &header, options.context)?;
        plan.chat = Some(Checked {
            path: path.clone(),
            header,
            needs,
        });
    }
    if let Some(path) = &options.reader {
        let header = preflight::inspect(path)?;
        preflight::check_chat(path, &header)?;
        let trained = header
            .of_architecture("context_length")
            .unwrap_or(USUAL_CONTEXT);
        let context = u32::try_from(trained.min(USUAL_CONTEXT / 2)).unwrap_or(4096);
        let needs = take(path, &header, Some(context))?;
        plan.reader = Some(Checked {
            path: path.clone(),
            header,
            needs,
        });
    }
    plan.options = options;
    Ok(plan)
}

/// Memory that can be had without pushing other programs out, in bytes.
pub(super) fn available_memory() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else {
        return u64::MAX;
    };
    system.refresh_memory();
    let free = system.available_memory();
    // Inside a container its limit counts, not the machine's memory.
    match system.cgroup_limits() {
        Some(limits) if limits.total_memory > 0 => free.min(limits.free_memory.max(1)),
        _ if free > 0 => free,
        _ => u64::MAX,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
