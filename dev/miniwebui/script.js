// The functions that extensions' scripts build on. Loaded before all others.

/** The root of the page: where gradio put its elements. */
function gradioApp() {
    const app = document.querySelector("gradio-app") || document;
    if (app !== document && !app.getElementById) {
        app.getElementById = (id) => document.getElementById(id);
    }
    return app.shadowRoot || app;
}

/** The button of the tab that is open. */
function get_uiCurrentTab() {
    return gradioApp().querySelector("#tabs > .tab-nav > button.selected");
}

/** The content of the tab that is open. */
function get_uiCurrentTabContent() {
    return gradioApp().querySelector('#tabs > .tabitem[id^=tab_]:not([style*="display: none"])');
}

const uiCallbacks = {update: [], afterUpdate: [], loaded: [], tabChange: [], optionsChanged: [], optionsAvailable: []};

/** Calls back at each change of the page, with the MutationRecords. */
function onUiUpdate(callback) {
    uiCallbacks.update.push(callback);
}

/** Calls back soon after changes, once for many. */
function onAfterUiUpdate(callback) {
    uiCallbacks.afterUpdate.push(callback);
}

/** Calls back once, when the page's elements are there. */
function onUiLoaded(callback) {
    uiCallbacks.loaded.push(callback);
}

/** Calls back when another tab is opened. */
function onUiTabChange(callback) {
    uiCallbacks.tabChange.push(callback);
}

/** Calls back when the settings in `opts` changed. */
function onOptionsChanged(callback) {
    uiCallbacks.optionsChanged.push(callback);
}

/** Calls back once, when `opts` is there; at once if it is already. */
function onOptionsAvailable(callback) {
    if (Object.keys(opts).length > 0) {
        callback();
    } else {
        uiCallbacks.optionsAvailable.push(callback);
    }
}

/** Runs callbacks; one that fails does not stop the others. */
function executeCallbacks(queue, argument) {
    for (const callback of queue) {
        try {
            callback(argument);
        } catch (error) {
            console.error("error running callback", callback, ":", error);
        }
    }
}

document.addEventListener("DOMContentLoaded", () => {
    let loaded = false;
    let openTab = null;
    let afterUpdateTimer = null;

    const observer = new MutationObserver((mutations) => {
        if (!loaded && gradioApp().querySelector("#txt2img_prompt")) {
            loaded = true;
            executeCallbacks(uiCallbacks.loaded);
        }
        executeCallbacks(uiCallbacks.update, mutations);
        clearTimeout(afterUpdateTimer);
        afterUpdateTimer = setTimeout(() => executeCallbacks(uiCallbacks.afterUpdate), 200);
        const tab = get_uiCurrentTab();
        if (tab && tab !== openTab) {
            openTab = tab;
            executeCallbacks(uiCallbacks.tabChange);
        }
    });
    observer.observe(gradioApp(), {childList: true, subtree: true});
});

// Ctrl+Enter generates, Alt+Enter skips, Esc interrupts.
document.addEventListener("keydown", (event) => {
    const button = (name) => get_uiCurrentTabContent()?.querySelector(`button[id$=_${name}]`);
    const isEnter = event.key === "Enter";
    let pressed = null;
    if (isEnter && (event.ctrlKey || event.metaKey)) {
        pressed = button("generate");
    } else if (isEnter && event.altKey) {
        pressed = button("skip");
    } else if (event.key === "Escape" && button("interrupt")?.style.display === "block") {
        pressed = button("interrupt");
    }
    if (pressed) {
        pressed.click();
        event.preventDefault();
    }
});

/** Whether an element is in no hidden element or tab. */
function uiElementIsVisible(element) {
    if (element === document) {
        return true;
    }
    return getComputedStyle(element).display !== "none" && uiElementIsVisible(element.parentNode);
}

/** Whether an element is inside the window. */
function uiElementInSight(element) {
    const box = element.getBoundingClientRect();
    return box.bottom > 0 && box.top < window.innerHeight;
}
