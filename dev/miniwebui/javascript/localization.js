// Translates the page with `localization`, {text: translation}, which the page's head sets before all scripts.
//
// A text is translated where a whole text node is that text. Titles and placeholders are looked at in elements that
// are themselves added to the page, and in components that name them when it is loaded; not in all that is inside.

const LOCALIZATION_LISTS = [
    "setting_sd_model_checkpoint",
    "txt2img_styles",
    "img2img_styles",
];
const LOCALIZATION_NUMBER = /^[.\d]+$/;
const LOCALIZATION_SYMBOL = /[\p{Extended_Pictographic}\u{1F3FB}-\u{1F3FF}\u{1F9B0}-\u{1F9B3}]/u;

function hasLocalization() {
    return Boolean(window.localization) && Object.keys(localization).length > 0;
}

/** Whether a text may have a translation: code, what a person types, names of files, numbers and symbols have none. */
function canBeTranslated(node, text) {
    const parent = node.parentElement;
    if (!text || !parent || ["SCRIPT", "STYLE", "TEXTAREA"].includes(parent.nodeName)) {
        return false;
    }
    if (parent.nodeName === "OPTION" && LOCALIZATION_LISTS.some((id) => parent.closest(`#${id}`))) {
        return false;
    }
    return !LOCALIZATION_NUMBER.test(text) && !LOCALIZATION_SYMBOL.test(text);
}

function translateText(node) {
    const text = node.textContent.trim();
    const translation = canBeTranslated(node, text) ? localization[text] : undefined;
    if (translation !== undefined) {
        node.textContent = translation;
    }
}

function translateAttribute(element, name) {
    const translation = element?.[name] ? localization[element[name]] : undefined;
    if (translation !== undefined) {
        element[name] = translation;
    }
}

/** Translates an added node: its own title and placeholder, and all text inside. */
function processNode(node) {
    if (node.nodeType === Node.TEXT_NODE) {
        translateText(node);
        return;
    }
    translateAttribute(node, "title");
    translateAttribute(node, "placeholder");
    const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        translateText(texts.currentNode);
    }
}

function localizeWholePage() {
    processNode(gradioApp());
    for (const component of window.gradio_config.components) {
        const element = gradioApp().getElementById(component.props.elem_id || `component-${component.id}`);
        if (component.props.webui_tooltip) {
            translateAttribute(element, "title");
        }
        if (component.props.placeholder) {
            translateAttribute(element?.querySelector("[placeholder]"), "placeholder");
        }
    }
}

document.addEventListener("DOMContentLoaded", () => {
    if (hasLocalization()) {
        onUiUpdate((mutations) => mutations.forEach((mutation) => mutation.addedNodes.forEach(processNode)));
        localizeWholePage();
    }
});
