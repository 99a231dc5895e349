import { createRoot } from 'react-dom/client';
import './styles/kit.scss';
import './styles/fonts.css';
import './styles/desk.css';
import { App } from './desk/App';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(<App />);
