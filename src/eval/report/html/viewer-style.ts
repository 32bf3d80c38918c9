/** The style sheet of the sample viewer: a list beside the sample, one above the other on narrow screens. */
export const viewerStyle = `
.filters{display:flex;flex-wrap:wrap;gap:.8rem 1.2rem;margin:0 0 1rem}
.filters label{display:grid;gap:.2rem;font-size:.82rem;color:var(--muted)}
.filters select,.filters input{font:inherit;font-size:.92rem;color:var(--ink);background:var(--page);border:1px solid var(--line);
border-radius:6px;padding:.35rem .5rem;max-width:18rem}
.filters .search{flex:1 1 14rem}
.filters .search input{max-width:none;width:100%}
.viewer{display:grid;grid-template-columns:20rem minmax(0,1fr);border:1px solid var(--line);border-radius:10px;overflow:hidden;height:44rem}
.viewer .list{overflow-y:auto;border-right:1px solid var(--line);background:var(--panel)}
.viewer ol{list-style:none;margin:0;padding:0}
#count{margin:0;padding:.6rem .9rem;font-size:.82rem;color:var(--muted);position:sticky;top:0;background:var(--panel);border-bottom:1px solid var(--line)}
.viewer button{font:inherit;font-size:.88rem;color:inherit;background:none;border:0;width:100%;text-align:left;cursor:pointer;
display:grid;grid-template-columns:3.4rem minmax(0,1fr) auto;gap:.5rem;align-items:baseline;padding:.38rem .9rem}
.viewer button:hover{background:var(--line)}
.viewer button:focus-visible{outline-offset:-2px}
.viewer button[aria-current]{background:var(--page);box-shadow:inset 3px 0 var(--accent)}
#more{display:block;text-align:center;color:var(--accent);padding:.7rem}
#more[hidden]{display:none}
.viewer .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.viewer .where{color:var(--muted);font-size:.8rem}
.viewer .mark{font-weight:650}
.viewer .mark::before{content:"";display:inline-block;width:.55em;height:.55em;margin-right:.4em;border-radius:50%;border:1.5px solid currentColor}
.viewer .right{color:var(--series-2)}
.viewer .right::before{background:currentColor}
.viewer .partly{color:var(--series-4)}
.viewer .partly::before{background:linear-gradient(90deg,currentColor 50%,transparent 50%)}
.viewer .wrong{color:var(--series-1)}
.viewer .cut{color:var(--muted)}
#detail{overflow-y:auto;padding:1.2rem 1.6rem 2rem}
#detail h3{margin:0;font-size:1.1rem}
#detail h4{margin:1.5rem 0 .4rem;font-size:.82rem;font-weight:500;letter-spacing:0;color:var(--muted)}
#detail .run{margin:.2rem 0 0;font-weight:600;font-size:.9rem}
#detail pre,#detail blockquote{margin:0 0 .4rem;white-space:pre-wrap;overflow-wrap:anywhere;font:400 .86rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
#detail blockquote{padding:.6rem .9rem;background:var(--panel);border-radius:6px;color:var(--muted)}
#detail blockquote small{display:block;font-family:system-ui,sans-serif;margin-bottom:.2rem}
#detail mark{background:#ffe08a;color:#1b1d20;border-radius:2px;padding:0 .1em;box-decoration-break:clone;-webkit-box-decoration-break:clone}
#detail .hit{background:#b8ecd4}
#detail .prefix,.muted{color:var(--muted)}
.place{display:grid;grid-template-columns:auto 1fr auto;gap:.8rem;align-items:center;margin:0 0 .7rem}
.bar{position:relative;height:.7rem;border-radius:.35rem;background:var(--panel);border:1px solid var(--line)}
.bar i{position:absolute;top:-.25rem;bottom:-.25rem;width:3px;margin-left:-1.5px;border-radius:2px;background:var(--series-1)}
#detail dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.7rem 1.2rem;margin:0}
#detail dt{font-size:.78rem;color:var(--muted)}
#detail dd{margin:0;font-size:.9rem;overflow-wrap:anywhere}
@media (max-width:52rem){
.viewer{grid-template-columns:1fr;height:auto}
.viewer .list{max-height:18rem;border-right:0;border-bottom:1px solid var(--line)}
}
`;
