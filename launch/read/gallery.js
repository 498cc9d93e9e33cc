/* Filters the papers by word, theme and verdict; the choice is in the URL's fragment. */
(function () {
  var form = document.querySelector("form");
  var names = ["word", "theme", "verdict"];
  var sections = Array.from(document.querySelectorAll("section"));
  var papers = Array.from(document.querySelectorAll("article"));

  function matches(paper, asked) {
    var words = asked.word.toLowerCase().split(/\s+/);
    return words.every(function (w) { return paper.dataset.words.includes(w); })
      && (!asked.theme || paper.dataset.theme === asked.theme)
      && (!asked.verdict || paper.dataset.verdict.split(" ").includes(asked.verdict));
  }

  function show() {
    var query = new URLSearchParams(location.hash.slice(1)), asked = {}, count = 0;
    names.forEach(function (name) {
      asked[name] = query.get(name) || "";
      if (form.elements[name].value !== asked[name]) form.elements[name].value = asked[name];
    });
    papers.forEach(function (paper) {
      paper.hidden = !matches(paper, asked);
      count += !paper.hidden;
    });
    sections.forEach(function (section) {
      var shown = section.querySelectorAll("article:not([hidden])").length;
      section.hidden = !shown;
      section.querySelector("h2 span").textContent = shown;
    });
    form.querySelector("output").textContent = count + " of " + papers.length + " papers";
  }

  form.addEventListener("input", function () {
    var query = new URLSearchParams();
    names.forEach(function (name) {
      if (form.elements[name].value) query.set(name, form.elements[name].value);
    });
    location.replace("#" + query);
  });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  window.addEventListener("hashchange", show);
  sections.forEach(function (section) { section.removeAttribute("id"); });  /* no jumps */
  document.querySelector("nav").hidden = true;
  form.hidden = false;
  show();
})();
