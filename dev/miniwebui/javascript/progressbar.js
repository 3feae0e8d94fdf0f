// Shows how far a generation is: a bar above the gallery, a preview over it, and the share in the window's title.

function request(url, data, handler, errorHandler) {
    fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(data)})
        .then((response) => (response.ok ? response.json() : Promise.reject(response.status)))
        .then(handler)
        .catch((error) => {
            console.error(url, error);
            errorHandler();
        });
}

function formatTime(seconds) {
    const pad = (number) => String(Math.floor(number)).padStart(2, "0");
    if (seconds > 3600) {
        return `${pad(seconds / 3600)}:${pad((seconds / 60) % 60)}:${pad(seconds % 60)}`;
    }
    return seconds > 60 ? `${pad(seconds / 60)}:${pad(seconds % 60)}` : `${Math.floor(seconds)}s`;
}

let titleWithoutProgress;

onUiLoaded(() => {
    titleWithoutProgress = document.title;
});

function setTitle(progress) {
    const shown = opts.show_progress_in_title && progress;
    document.title = shown ? `[${progress.trim()}] ${titleWithoutProgress}` : titleWithoutProgress;
}

function randomId() {
    const part = () => Math.random().toString(36).slice(2, 9);
    return `task(${part()}${part()})`;
}

function progressText(answer) {
    const parts = [];
    if (answer.textinfo && !answer.textinfo.includes("\n")) {
        parts.push(answer.textinfo);
    }
    if (answer.progress > 0) {
        parts.push(`${(answer.progress * 100).toFixed(0)}%`);
    }
    if (answer.eta) {
        parts.push(`ETA: ${formatTime(answer.eta)}`);
    }
    return parts.join(" ");
}

/**
 * Follows a task until it is over, then calls atEnd. The bar goes before `progressbarContainer`, the preview into
 * `gallery`; onProgress hears each answer. A task that never starts is given up after `inactivityTimeout` seconds.
 */
function requestProgress(idTask, progressbarContainer, gallery, atEnd, onProgress, inactivityTimeout = 40) {
    const started = Date.now();
    let wasActive = false;
    let preview = null;
    let over = false;

    const bar = document.createElement("div");
    bar.className = "progressDiv";
    const inner = document.createElement("div");
    inner.className = "progress";
    bar.appendChild(inner);
    progressbarContainer.parentNode.insertBefore(bar, progressbarContainer);

    const end = () => {
        if (over) {
            return;
        }
        over = true;
        setTitle("");
        bar.remove();
        preview?.remove();
        atEnd();
    };

    const showPreview = (source) => {
        if (!preview) {
            preview = document.createElement("div");
            preview.className = "livePreview";
            preview.appendChild(document.createElement("img"));
            gallery.insertBefore(preview, gallery.firstElementChild);
        }
        preview.firstElementChild.src = source;
    };

    const ask = (idPreview) => {
        const question = {id_task: idTask, id_live_preview: idPreview, live_preview: Boolean(gallery)};
        request("./internal/progress", question, (answer) => {
            const waited = (Date.now() - started) / 1000;
            const gone = !answer.active && (wasActive || (!answer.queued && waited > inactivityTimeout));
            if (over || answer.completed || gone) {
                end();
                return;
            }
            wasActive ||= answer.active;
            inner.style.width = `${(answer.progress || 0) * 100}%`;
            inner.textContent = progressText(answer);
            setTitle(inner.textContent);
            if (answer.live_preview && gallery) {
                showPreview(answer.live_preview);
            }
            onProgress?.(answer);
            const pause = Math.min(opts.live_preview_refresh_period || 500, 500);
            setTimeout(() => ask(answer.active ? answer.id_live_preview : idPreview), pause);
        }, end);
    };
    ask(0);
}
